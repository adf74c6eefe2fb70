"""A file is written whole or not at all."""

import os
import pathlib
import stat

import pytest

from entrypoint.system import files


def test_writes_the_text_with_the_mode_whatever_the_umask(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    old = os.umask(0o077)
    try:
        files.write_atomically(str(path), "text", 0o644)
    finally:
        os.umask(old)
    assert path.read_text() == "text"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_crash_before_the_rename_leaves_the_old_file_and_nothing_else(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def no_sync(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_sync)
    with pytest.raises(OSError, match="No space left"):
        files.write_atomically(str(path), "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_secret_is_never_readable_for_others_not_even_while_it_is_written(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    stock = os.fsync

    def look(descriptor: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        stock(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    files.write_atomically(str(tmp_path / "secret"), "s3cret", 0o600)
    assert seen[0] == 0o600


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_an_unreadable_file_is_none(content: bytes | None, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    assert files.read_text(str(path)) is None


def test_a_volume_that_refuses_chmod_takes_files(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refused)
    files.write_atomically(str(tmp_path / "secret"), "x", 0o600)
    assert (tmp_path / "secret").read_text() == "x"
    assert not (tmp_path / "secret").stat().st_mode & 0o077


@pytest.mark.parametrize("content", [(), ("theirs",)])
def test_a_folder_in_the_place_of_a_file_is_set_aside(tmp_path: pathlib.Path, content: tuple[str, ...]) -> None:
    (tmp_path / "file").mkdir()
    for name in content:
        (tmp_path / "file" / name).touch()
    files.write_atomically(str(tmp_path / "file"), "text")
    assert (tmp_path / "file").read_text() == "text"
    (aside,) = tmp_path.glob("file.set-aside-*")
    assert [path.name for path in aside.iterdir()] == list(content)
