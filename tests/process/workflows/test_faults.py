"""The faults of a hub and its CDN pass through a click in ComfyUI, too: the right file, or the failure's name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrypoint.system.files import read_list
from entrypoint.workflows import fetch as fetching
from entrypoint.workflows import hub
from entrypoint.workflows.job_state import state_file
from entrypoint.workflows.jobs import add_job, keep_plan, waiting_jobs
from entrypoint.workflows.worker import Worker
from tests.support.models.faults import BYTES, CDN, HUB, NAME, origin_with_a_file
from tests.support.models.fetcher import FAST
from tests.support.models.origin import Fault, Origin
from tests.support.models.pod import Pod
from tests.support.workflows.pod import without_services, workflow
from tests.support.workflows.shapes import entry

#: They wait for seconds, in the fetcher alone: test_faults of the models has them.
SLOW = ("stall", "drip", "429", "503 with a date")
ROWS = [(side, *row) for side, rows in (("cdn", CDN), ("hub", HUB)) for row in rows if not row[0].startswith(SLOW)]


origin = pytest.fixture(origin_with_a_file)


@pytest.fixture
def pod(tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pod]:
    mask = os.umask(0o022)
    made = Pod(tmp_path, origin)
    made.settings = without_services(made)
    monkeypatch.setattr(fetching, "Limits", lambda: FAST)
    monkeypatch.setattr(hub, "BRIEF", FAST)
    yield made
    os.umask(mask)


def click(pod: Pod, *entries: dict[str, Any], others: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """What the page asks for, done; its outcome. `others`: models of the workflow that are not chosen."""
    plan = keep_plan(pod.paths, json.dumps(workflow(*entries, *others)).encode(), b"{}")
    name = add_job(pod.paths, plan, "a flow", [f"{each['directory']}/{each['name']}" for each in entries], [])
    assert Worker(pod.settings, pod.paths, ()).run() == 0
    assert waiting_jobs(pod.paths) == []
    (done,) = [each for each in read_list(state_file(pod.paths), "done") if each["id"] == name]
    return dict(done)


@pytest.mark.parametrize(
    ("side", "fault", "expected"), [(row[0], *row[2:]) for row in ROWS], ids=[f"{row[0]} {row[1]}" for row in ROWS]
)
def test_faults_through_a_click(pod: Pod, side: str, fault: Fault | None, expected: str) -> None:
    setattr(pod.origin, f"{side}_fault", fault)
    done = click(pod, entry("loras", NAME))
    models = [path for path in Path(pod.paths.data, "models").rglob("*") if path.is_file()]
    if expected == "right":
        assert (done["code"], done["problems"]) == (0, [])
        assert [path.read_bytes() for path in models] == [BYTES]
        assert [each["state"] for each in done["models"]] == ["there"]
        return
    assert models == []
    assert done["code"] != 0
    # The plan's question was the response that is not encoded.
    names = ("EncodedResponse", expected) if "encoded" in done["problems"][0] else (expected,)
    assert done["problems"][0].startswith(tuple(f"loras/{NAME}: {name}: " for name in names))


def test_only_what_was_chosen_is_fetched_and_the_outcomes_are_kept(pod: Pod) -> None:
    pod.origin.put("other.bin", BYTES)
    first = click(pod, entry("loras", NAME), others=(entry("loras", "other.bin"),))
    assert [each["dest"] for each in first["models"]] == [f"loras/{NAME}"]
    again = click(pod, entry("loras", NAME))
    assert (again["code"], again["models"]) == (0, [])
    assert [each["id"] for each in read_list(state_file(pod.paths), "done")] == [first["id"], again["id"]]


@pytest.mark.parametrize(
    "wrong", [b"[]", b'{"done": 5, "restarted": "x"}', b'{"done": [{}, 1]}', b"\xff", b'{"done": [[[[[[']
)
def test_a_damaged_record_is_replaced(pod: Pod, wrong: bytes) -> None:
    Path(state_file(pod.paths)).write_bytes(wrong)
    assert click(pod, entry("loras", NAME))["code"] == 0
