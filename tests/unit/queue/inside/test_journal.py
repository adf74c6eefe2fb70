"""The journal's file: what is on the disk after an end at any moment, compaction, limits, what is in its place."""

from __future__ import annotations

import os
import pathlib
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import Future

import pytest

from entrypoint.queue.inside import journal as module
from entrypoint.queue.inside.journal import Journal
from entrypoint.queue.inside.record import ENDED, PENDING, live
from tests.support.checkout import ROOT
from tests.support.waiting import wait_until


def put(name: str, number: int = 0) -> dict[str, object]:
    return {"e": "put", "id": name, "number": number, "outputs": ["1"], "at": 1.0}


def opened(folder: pathlib.Path) -> Journal:
    journal = Journal(str(folder), "me")
    journal.open()
    journal.start()
    return journal


def body(name: str, size: int = 10) -> bytes:
    return b'{"name":"%s","x":"%s"}' % (name.encode(), b"x" * size)


WRITER = """
import sys
from entrypoint.queue.inside.journal import Journal
journal = Journal(sys.argv[1], "me")
journal.open()
journal.start()
for number in range(100_000):
    name = f"{sys.argv[2]}-{number}"
    header = {"e": "put", "id": name, "number": number, "outputs": ["1"], "at": 1.0}
    journal.add(header, b'{"x":"%s"}' % (b"x" * 3000)).result()
    print("put", name, flush=True)
    if number % 3 == 0:
        journal.add({"e": "end", "id": name, "how": "success", "at": 2.0}).result()
        print("end", name, flush=True)
"""


def test_a_kill_at_any_moment_loses_nothing_that_was_confirmed(tmp_path: pathlib.Path) -> None:
    """kill -9 of the writer, eight times in a row on one file, which every start writes anew."""
    chance = random.Random(7)
    put_names: set[str] = set()
    ended: set[str] = set()
    for run in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(run)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        process.stdout.readline()  # it writes
        time.sleep(chance.uniform(0.0, 0.08))
        process.send_signal(signal.SIGKILL)
        said = [f"put {run}-0\n", *process.stdout]
        process.wait()
        process.stdout.close()
        for line in said:
            if line.endswith("\n"):
                verb, name = line.split()
                (put_names if verb == "put" else ended).add(name)
    journal = opened(tmp_path)
    assert journal.state.damaged <= 8  # the line that was being written, each time
    missing = put_names - journal.state.prompts.keys()
    assert missing == set()
    assert {name for name in ended if journal.state.prompts[name].status != ENDED} == set()
    for prompt in live(journal.state):
        assert len(journal.body(prompt)) > 3000
    assert list(tmp_path.glob(".*.tmp")) == []


def test_compaction_keeps_what_lives_and_shrinks_the_file(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMPACT_FROM", 100_000)
    journal = opened(tmp_path)
    for number in range(60):
        journal.add(put(f"{number}", number), body(f"{number}", 5000))
        if number % 10:
            journal.add({"e": "end", "id": f"{number}", "how": "success", "at": 2.0})
    journal.add(put("last", 99), body("last")).result(10)
    path = tmp_path / "me.journal"
    wait_until(lambda: path.stat().st_size < 110_000, 10, "it was written anew")
    assert [each.id for each in live(journal.state)] == ["0", "10", "20", "30", "40", "50", "last"]
    assert all(journal.body(each).startswith(b'{"name":"%s"' % each.id.encode()) for each in live(journal.state))
    again = opened(tmp_path)
    assert [each.id for each in live(again.state)] == [each.id for each in live(journal.state)]
    assert again.state.damaged == 0


def refusal(done: Future[None]) -> str:
    return str(done.exception(10))


def test_limits(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PROMPT", 1 << 20)
    monkeypatch.setattr(module, "MOST_KEPT", 2 << 20)
    journal = opened(tmp_path)
    assert "a workflow of 1 MiB is not kept" in refusal(journal.add(put("large"), body("large", 1 << 20)))
    for number in range(2):
        journal.add(put(f"{number}"), body(f"{number}", 900_000)).result(10)
    assert "the queue has more than" in refusal(journal.add(put("more"), body("more", 900_000)))
    assert journal.problem
    journal.add(put("small"), body("small")).result(10)
    assert journal.problem == ""
    assert {each.id for each in live(journal.state, PENDING)} == {"0", "1", "small"}


def test_a_full_volume_is_told_and_the_next_line_is_whole(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = opened(tmp_path)
    full = [True]

    def write_all(file: int, content: bytes) -> None:
        if full[0]:
            os.write(file, content[: len(content) // 2])
            raise OSError(28, "No space left on device")
        os.write(file, content)

    monkeypatch.setattr(module, "write_all", write_all)
    assert "No space left" in refusal(journal.add(put("lost"), body("lost")))
    assert (journal.problem, live(journal.state)) == ("No space left on device", [])
    full[0] = False
    journal.add(put("kept"), body("kept")).result(10)
    again = opened(tmp_path)
    assert ([each.id for each in live(again.state)], again.state.damaged) == (["kept"], 1)
    assert again.body(live(again.state)[0]) == body("kept")
    assert (tmp_path / "me.journal.damaged").exists()


@pytest.mark.parametrize("what", ["folder", "fifo", "link", "garbage", "empty"])
def test_whatever_is_in_its_place_is_told_and_set_aside(tmp_path: pathlib.Path, what: str) -> None:
    path = tmp_path / "me.journal"
    match what:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "link":
            path.symlink_to("/etc/passwd")
        case "garbage":
            path.write_bytes(os.urandom(3000).replace(b"\n", b"") + b"\nx")
        case _:
            path.touch()
    journal = opened(tmp_path)
    assert journal.state.damaged == {"garbage": 2, "empty": 0}.get(what, 1)
    journal.add(put("a"), body("a")).result(10)
    assert [each.id for each in live(opened(tmp_path).state)] == ["a"]


def test_a_folder_that_is_removed_is_made_again(tmp_path: pathlib.Path) -> None:
    journal = opened(tmp_path / "queue")
    journal.add(put("a"), body("a")).result(10)
    (tmp_path / "queue/me.journal").unlink()
    (tmp_path / "queue").rmdir()
    journal.add(put("b"), body("b")).result(10)
    assert [each.id for each in live(opened(tmp_path / "queue").state)] == ["a", "b"]
