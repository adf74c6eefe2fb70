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
    folder = _folder_of_models(data)
    found = os.statvfs(folder)
    if found.f_bavail * found.f_frsize < _ROOM:
        return {"folder": folder, "error": "ENOSPC"}
    _sweep(folder)
    path = f"{folder}/{PREFIX}{os.urandom(6).hex()}"
    file = os.open(path, _NEW, 0o600)
    try:
        written, seconds = _write(file, size)
        speeds: Plain = {"folder": folder, "bytes": written, "write": round(written / seconds)}
        speeds["read"] = read_speed(path)
        with contextlib.suppress(OSError):  # ENODEV: a volume whose files cannot be mapped
            speeds["mapped"] = mapped_speed(path)
        return speeds
    finally:
        os.close(file)
        os.unlink(path)


def _folder_of_models(data: str) -> str:
    models = f"{data}/models"
    with contextlib.suppress(OSError):
        return models if os.stat(models).st_dev != os.stat(data).st_dev else data
    return data


def _sweep(folder: str) -> None:
    for name in [name for name in os.listdir(folder) if name.startswith(PREFIX)]:
        with contextlib.suppress(OSError):
            if time.time() - os.lstat(f"{folder}/{name}").st_mtime > _STALE_S:
                os.unlink(f"{folder}/{name}")


def _write(file: int, size: int) -> tuple[int, float]:
    """Bytes written, and seconds. The bytes are random: some volumes compress."""
    piece = os.urandom(min(_PIECE, size))
    began, written = time.monotonic(), 0
    while written < size and time.monotonic() - began < _PART_S:
        written += os.write(file, piece)
        os.fsync(file)
    return written, time.monotonic() - began


def read_speed(path: str, part_s: float = _PART_S) -> int:
    """Bytes a second by read(2), without what is in this machine's page cache. Raises OSError."""
    file, size = _open_uncached(path)
    try:
        buffer, done, began = bytearray(_READ), 0, time.monotonic()
        while done < size and time.monotonic() - began < part_s:
            count = os.readv(file, [buffer])
            if not count:
                break
            done += count
        return round(done / (time.monotonic() - began))
    finally:
        os.close(file)


def mapped_speed(path: str, part_s: float = _PART_S) -> int:
    """Bytes a second by copies from the mapped file, without what is in this machine's page cache. Raises OSError."""
    file, size = _open_uncached(path)
    try:
        with mmap.mmap(file, size, prot=mmap.PROT_READ) as mapped:
            done, began = 0, time.monotonic()
            while done < size and time.monotonic() - began < part_s:
                done += len(mapped[done : done + _READ])
            return round(done / (time.monotonic() - began))
    finally:
        os.close(file)


def _open_uncached(path: str) -> tuple[int, int]:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    size = os.fstat(file).st_size
    os.posix_fadvise(file, 0, size, os.POSIX_FADV_DONTNEED)
    return file, size
