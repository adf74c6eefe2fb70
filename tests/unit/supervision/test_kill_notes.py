"""Notes in the runtime folder, and the journal."""

from pathlib import Path

import pytest

from entrypoint.supervision.exits import Reason
from entrypoint.supervision.journal import Journal
from entrypoint.supervision.kill_notes import leave_kill_note, read_json, take_kill_note, take_restart_request

HUNG = Reason("hang", "hung")


def test_a_kill_note_is_for_one_process(tmp_path: Path) -> None:
    """Another process of the program may have died of something else."""
    leave_kill_note(str(tmp_path), "x", 7, HUNG)
    assert take_kill_note(str(tmp_path), "x", 8) is None
    assert take_kill_note(str(tmp_path), "x", 7) is None, "a note is taken once"
    leave_kill_note(str(tmp_path), "x", 7, HUNG)
    assert take_kill_note(str(tmp_path), "y", 7) is None
    assert take_kill_note(str(tmp_path), "x", 7) == HUNG
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', '{"pid": "7"}'])
def test_a_broken_note_is_no_note(tmp_path: Path, text: str) -> None:
    """And is removed all the same."""
    (tmp_path / "x.killed-because").write_text(text)
    assert take_kill_note(str(tmp_path), "x", 7) is None
    assert list(tmp_path.iterdir()) == []


def test_a_restart_request_is_taken_once(tmp_path: Path) -> None:
    """As ComfyUI-Manager leaves it."""
    assert not take_restart_request(str(tmp_path), "x")
    (tmp_path / "requests").mkdir()
    (tmp_path / "requests/x.reboot").touch()
    assert take_restart_request(str(tmp_path), "x")
    assert not take_restart_request(str(tmp_path), "x")


def journal(folder: Path, keep: int = 3) -> tuple[Journal, list[str]]:
    complaints: list[str] = []
    return Journal(str(folder), keep, complaints.append), complaints


def numbers(folder: Path) -> list[int]:
    return [entry["number"] for entry in read_json(str(folder / "restarts.json"))["restarts"]]


def test_the_last_restarts_are_kept_over_a_reboot(tmp_path: Path) -> None:
    """A second supervisord in the same folder goes on with the list; the oldest fall out."""
    first, _ = journal(tmp_path)
    for number in (1, 2):
        first.add("x", number, HUNG, 1.5, 0.0)
    second, complaints = journal(tmp_path)
    for number in (3, 4):
        second.add("x", number, HUNG, 1.5, None)
    assert numbers(tmp_path) == [2, 3, 4]
    last = read_json(str(tmp_path / "restarts.json"))["restarts"][-1]
    assert {k: last[k] for k in ("program", "kind", "reason", "uptime", "delay")} == {
        "program": "x", "kind": "hang", "reason": "hung", "uptime": 1.5, "delay": None,
    }  # fmt: skip
    assert complaints == []


@pytest.mark.parametrize("text", ["", "[]", '{"restarts": 3}'])
def test_a_broken_journal_starts_afresh(tmp_path: Path, text: str) -> None:
    """It must not stop a restart."""
    (tmp_path / "restarts.json").write_text(text)
    journal(tmp_path)[0].add("x", 1, HUNG, 0, 0)
    assert numbers(tmp_path) == [1]


def test_a_failing_disk_is_said_once(tmp_path: Path) -> None:
    """Not at every restart."""
    broken, complaints = journal(tmp_path / "missing")
    for number in range(3):
        broken.add("x", number, HUNG, 0, 0)
    assert len(complaints) == 1


def test_no_folder_no_files() -> None:
    """Without a runtime folder the journal is off."""
    silent, complaints = journal(Path())
    silent = Journal("", 3, complaints.append)
    silent.add("x", 1, HUNG, 0, 0)
    silent.show({})
    assert complaints == []
