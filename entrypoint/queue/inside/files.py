"""A: files on the volume, where anything may be found in the place of one."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from io import FileIO

from . import record
from .record import Kept

#: Bytes of a small file that are read at most.
SMALL = 1 << 16


def read_small(path: str, most: int = SMALL) -> bytes:
    """The beginning of a regular file, never of a link; b"" where there is none."""
    try:
        with open_file(path) as file:
            return os.read(file.fileno(), most)
    except OSError:
        return b""


def open_file(path: str, flags: int = os.O_RDONLY) -> FileIO:
    """Open a regular file; whatever else is in its place is refused, and never waited for.

    Raises:
        OSError: It is no regular file, or cannot be opened.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    return FileIO(descriptor, "rb" if flags == os.O_RDONLY else "r+b")


def lines_of(file: int) -> Iterator[bytes]:
    """The lines of an open file, each with its newline; the last may have none."""
    with os.fdopen(os.dup(file), "rb") as reader:
        reader.seek(0)
        yield from reader


def body_at(file: int, prompt: Kept) -> bytes:
    """The body of a prompt in an open file; b"" where it cannot be read."""
    offset, length = prompt.place
    try:
        found = record.decode(os.pread(file, length, offset)) if length and file >= 0 else None
    except OSError:
        return b""
    return found[1] if found and found[0].get("id") == prompt.id else b""


def write_all(file: int, content: bytes) -> None:
    """Append all of it: write(2) may write less. Raises OSError."""
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]


def sync_folder(folder: str) -> None:
    """Sync a folder, so that a rename in it survives a power cut; some network file systems refuse that."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
