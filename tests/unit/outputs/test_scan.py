"""The look through the output folder, and the files that a program has open for writing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrypoint.outputs.names import Found
from entrypoint.outputs.scan import being_written, scan
from tests.support.file_systems import folder_for_others, needs_root


def test_files_are_found_with_their_folders(tmp_path: Path) -> None:
    (tmp_path / "real/a/b").mkdir(parents=True)
    path = tmp_path / "real/a/b/x.png"
    path.write_bytes(b"123")
    (tmp_path / "link").symlink_to(tmp_path / "real")  # an adopted folder
    assert scan(str(tmp_path / "link")) == {"a/b/x.png": Found(3, path.stat().st_mtime_ns)}
    with pytest.raises(FileNotFoundError):
        scan(str(tmp_path / "nothing"))


@needs_root
def test_a_folder_that_cannot_be_read_is_left_and_named() -> None:
    with folder_for_others() as folder:
        (folder / "closed").mkdir()
        (folder / "closed").chmod(0)
        (folder / "a.png").touch()
        os.seteuid(12345)
        try:
            found = scan(str(folder))
        finally:
            os.seteuid(0)
    assert sorted(found) == ["a.png", "closed/"]


def test_a_writer_is_seen_and_a_reader_is_none(tmp_path: Path) -> None:
    written, read = tmp_path / "written", tmp_path / "read"
    read.touch()
    with written.open("w"), read.open():
        assert being_written({str(written), str(read)}) == {str(written)}
    assert being_written({str(written), str(read)}) == set()
