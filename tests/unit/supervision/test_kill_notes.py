"""Kill notes and restart requests in the runtime folder."""

import os
from pathlib import Path

import pytest

from entrypoint.supervision.exits import Notes, Reason
from entrypoint.supervision.kill_notes import (
    note_trial,
    take_kill_note,
    take_notes,
    take_restart_request,
    write_kill_note,
)

HUNG = Reason("hang", "hung")


def test_a_kill_note_is_for_one_process(tmp_path: Path) -> None:
    """Another process of the program may have ended for another reason."""
    write_kill_note(str(tmp_path), "x", 7, HUNG)
    assert take_kill_note(str(tmp_path), "x", 8) is None
    assert take_kill_note(str(tmp_path), "x", 7) is None, "a note is taken once"
    write_kill_note(str(tmp_path), "x", 7, HUNG)
    assert take_kill_note(str(tmp_path), "y", 7) is None
    assert take_kill_note(str(tmp_path), "x", 7) == HUNG
    assert list((tmp_path / "requests").iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', '{"pid": "7"}'])
def test_a_broken_note_is_no_note(tmp_path: Path, text: str) -> None:
    """It is removed as well."""
    (tmp_path / "requests").mkdir()
    (tmp_path / "requests/x.killed-because").write_text(text)
    assert take_kill_note(str(tmp_path), "x", 7) is None
    assert list((tmp_path / "requests").iterdir()) == []


def test_a_trial_is_noted_until_the_process_has_ended(tmp_path: Path) -> None:
    note_trial(str(tmp_path), "x")
    assert take_notes(str(tmp_path), "x", 7) == Notes(trial=True)
    assert take_notes(str(tmp_path), "x", 7) == Notes()
    note_trial(str(tmp_path), "x")
    note_trial(str(tmp_path), "x", trial=False)
    assert not take_notes(str(tmp_path), "x", 7).trial


def test_a_restart_request_is_taken_once(tmp_path: Path) -> None:
    """The file is ComfyUI-Manager's."""
    assert not take_restart_request(str(tmp_path), "x")
    (tmp_path / "requests").mkdir()
    (tmp_path / "requests/x.reboot").touch()
    assert take_restart_request(str(tmp_path), "x")
    assert not take_restart_request(str(tmp_path), "x")


def test_a_note_that_is_a_fifo_or_a_link_is_no_note(tmp_path: Path) -> None:
    """Any service may write there: supervisord would wait for ever, or report what only root may read."""
    (tmp_path / "requests").mkdir()
    note = tmp_path / "requests/x.killed-because"
    os.mkfifo(note)
    assert take_kill_note(str(tmp_path), "x", 7) is None
    (tmp_path / "secret").write_text('{"pid": 7, "kind": "hang", "text": "secret"}')
    note.symlink_to(tmp_path / "secret")
    assert take_kill_note(str(tmp_path), "x", 7) is None
    assert (tmp_path / "secret").exists()
