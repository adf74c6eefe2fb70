"""Following a log file across rotation, truncation and absence."""

import os
from pathlib import Path

from entrypoint.supervision.prober.log_tail import MAX_BYTES, LogTail


def test_only_new_complete_lines(tmp_path: Path) -> None:
    """Earlier lines are skipped; half a line waits for its end."""
    path = tmp_path / "x.log"
    path.write_text("old\n")
    tail = LogTail(str(path))
    with path.open("a") as file:
        file.write("one\ntw")
        file.flush()
        assert tail.lines() == ["one"]
        file.write("o\n")
        file.flush()
        assert tail.lines() == ["two"]
    assert tail.lines() == []


def test_rotation_and_truncation(tmp_path: Path) -> None:
    """supervisord renames at 10 MB; `supervisorctl clear` truncates."""
    path = tmp_path / "x.log"
    path.write_text("old\n")
    tail = LogTail(str(path))
    os.rename(path, tmp_path / "x.log.1")
    path.write_text("after rotation\n")
    assert tail.lines() == ["after rotation"]
    path.write_text("short\n")
    assert tail.lines() == ["short"]


def test_a_file_that_is_created_later(tmp_path: Path) -> None:
    """No file yet is no error."""
    tail = LogTail(str(tmp_path / "x.log"))
    assert tail.lines() == []
    (tmp_path / "x.log").write_text("first\n")
    assert tail.lines() == ["first"]


def test_a_flood_is_skipped(tmp_path: Path) -> None:
    """Memory stays bounded."""
    path = tmp_path / "x.log"
    path.write_text("")
    tail = LogTail(str(path))
    path.write_text("x" * 79 + "\n")
    with path.open("a") as file:
        file.write(("y" * 79 + "\n") * (3 * MAX_BYTES // 80) + "last\n")
    lines = tail.lines()
    assert lines[-1] == "last"
    assert len(lines) < MAX_BYTES // 79


def test_skip_drops_unread_lines(tmp_path: Path) -> None:
    """They are an earlier process's."""
    path = tmp_path / "x.log"
    path.write_text("")
    tail = LogTail(str(path))
    path.write_text("earlier\n")
    tail.skip()
    assert tail.lines() == []
