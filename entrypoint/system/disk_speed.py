"""A: measures how fast a folder's disk writes and reads one file: with read(2), and through mmap's page faults.

Runs in a child process with a deadline: a call on a dead network mount never returns.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import time
from functools import partial

from entrypoint.system.bounded_process import Plain, run_bounded

#: Beginning of the file's name. A measurement that was killed leaves its file; a later one removes it.
PREFIX = ".podkeeper-speed-"
#: Bytes of the file. It is written in pieces, each with an fsync, so that a slow volume ends in time with a figure.
SIZE, _PIECE = 64 << 20, 8 << 20
#: Bytes of one read(2), and of one copy from the mapped file.
_READ = 1 << 20
#: Seconds of each of the three parts, and until the child process is killed.
_PART_S, _TIMEOUT_S = 5.0, 30.0
#: Free bytes below which nothing is measured.
_ROOM = 16 * SIZE
_STALE_S = 3600.0
_NEW = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


def measure(data: str, size: int = SIZE, timeout_s: float = _TIMEOUT_S) -> Plain:
    """Measure the disk of the data folder, or that of its folder `models` where this is another.

    Returns:
        `folder`; `write`, `read` and `mapped` (page faults), each in bytes a second, and `bytes`, the size of the file;
        or `error`: an errno's name, or bounded_process.HUNG or DIED.
    """
    return run_bounded(partial(_measure, data, size), timeout_s)


def _measure(data: str, size: int) -> Plain:
    path = _folder_of_models(data)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    found = os.fstatvfs(folder)
    if found.f_bavail * found.f_frsize < _ROOM:
        return {"folder": path, "error": "ENOSPC"}
    _sweep(folder)
    name = PREFIX + os.urandom(6).hex()
    file = os.open(name, _NEW, 0o600, dir_fd=folder)
    try:
        written, seconds = _write(file, size)
        speeds: Plain = {"folder": path, "bytes": written, "write": round(written / seconds), "read": read_speed(file)}
        with contextlib.suppress(OSError):  # ENODEV: a volume whose files cannot be mapped
            speeds["mapped"] = mapped_speed(file)
        return speeds
    finally:
        os.unlink(name, dir_fd=folder)


def _folder_of_models(data: str) -> str:
    models = f"{data}/models"
    with contextlib.suppress(OSError):
        return models if os.stat(models).st_dev != os.stat(data).st_dev else data
    return data


def _sweep(folder: int) -> None:
    for name in [name for name in os.listdir(folder) if name.startswith(PREFIX)]:
        with contextlib.suppress(OSError):
            if time.time() - os.lstat(name, dir_fd=folder).st_mtime > _STALE_S:
                os.unlink(name, dir_fd=folder)


def _write(file: int, size: int) -> tuple[int, float]:
    """Bytes written, and seconds. The bytes are random: some volumes compress."""
    piece = os.urandom(min(_PIECE, size))
    began, written = time.monotonic(), 0
    while written < size and (not written or time.monotonic() - began < _PART_S):  # an empty file cannot be mapped
        written += os.write(file, piece)
        os.fsync(file)
    return written, time.monotonic() - began


def read_speed(file: int, part_s: float = _PART_S) -> int:
    """Bytes a second by read(2), without what is in this machine's page cache. Raises OSError."""
    size = _drop_cache(file)
    buffer, done, began = bytearray(_READ), 0, time.monotonic()
    while done < size and time.monotonic() - began < part_s:
        done += os.preadv(file, [buffer], done)
    return round(done / (time.monotonic() - began))


def mapped_speed(file: int, part_s: float = _PART_S) -> int:
    """Bytes a second by copies from the mapped file, without what is in this machine's page cache. Raises OSError."""
    size = _drop_cache(file)
    with mmap.mmap(file, size, prot=mmap.PROT_READ) as mapped:
        done, began = 0, time.monotonic()
        while done < size and time.monotonic() - began < part_s:
            done += len(mapped[done : done + _READ])
        return round(done / (time.monotonic() - began))


def _drop_cache(file: int) -> int:
    """Drop the file from the page cache; returns its size."""
    size = os.fstat(file).st_size
    os.posix_fadvise(file, 0, size, os.POSIX_FADV_DONTNEED)
    return size
