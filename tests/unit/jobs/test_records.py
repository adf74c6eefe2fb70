"""What became of a job, by its id, for whoever asks later."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrypoint.jobs.failure import Failure
from entrypoint.jobs.outcome import OutputFile
from entrypoint.jobs.records import DONE, FAILED, RUNNING, Record, Records, prompt_id, record_of
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return locate(Settings(home=str(tmp_path)), Facts(mounts=frozenset(), uid=os.getuid(), temporary="/tmp", python=""))


def test_a_record_is_read_as_it_was_written(paths: Paths) -> None:
    record = Record(
        "a", FAILED, 1.0, 2.0, 0.5, "9", 1, 2, [OutputFile("9", "images", "output", "a.png")], Failure("TimedOut", "w")
    )
    records = Records(paths)
    records.write(record)
    assert records.read("a") == record
    assert records.read("../a") is None
    assert records.read("b") is None


@pytest.mark.parametrize("content", [{}, {"id": "a"}, {"id": "a", "state": "odd"}, {"id": "/", "state": DONE}])
def test_what_is_no_record(content: dict[str, object]) -> None:
    assert record_of(content) is None


def test_a_damaged_record_is_passed_over() -> None:
    found = record_of({"id": "a", "state": DONE, "files": [7, {"node": 1}], "seconds": "x", "ends": True, "failure": 7})
    assert found == Record("a", DONE)


def test_the_prompts_id_follows_from_the_jobs() -> None:
    assert prompt_id("a") == prompt_id("a") != prompt_id("b")
    assert prompt_id("a") == prompt_id("a").lower()


def test_old_records_go_but_never_those_of_jobs_that_run(paths: Paths) -> None:
    records = Records(paths)
    for name, state in (("old", DONE), ("runs", RUNNING), ("new", DONE)):
        records.write(Record(name, state))
        if name != "new":
            os.utime(f"{records.folder}/{name}.json", (0, 0))
    records.sweep()
    assert sorted(os.listdir(records.folder)) == ["new.json", "runs.json"]


def test_a_failure_that_another_try_may_cure_is_not_final() -> None:
    away, wrong = Failure("ComfyUIDown", "why"), Failure("BadValue", "why")
    assert [Record("a", state, failure=failure).is_final for state, failure in
            ((DONE, None), (FAILED, wrong), (FAILED, away), (RUNNING, None))] == [True, True, False, False]  # fmt: skip
    again = Record("a", FAILED, failure=away).again()
    assert (again.attempt, again.state, again.failure) == (1, "waiting", None)
    assert again.prompt_id != Record("a").prompt_id
