"""A: hashes and copies large files in a thread that a stop ends within one block."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import threading
from collections.abc import Callable
from typing import BinaryIO, TypeVar

_T = TypeVar("_T")
_BLOCK = 4 << 20
#: ioctl_ficlonerange(2): the copy shares the blocks of the original until one of them is written to.
_FICLONE = 0x40049409


class Stopped(Exception):
    """The run was stopped in the middle of the work."""


async def in_thread(work: Callable[[threading.Event], _T]) -> _T:
    """Run `work` in a thread; a cancellation sets its event, and waits until the thread has ended."""
    stopped = threading.Event()
    running = asyncio.get_running_loop().run_in_executor(None, work, stopped)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stopped.set()
        with contextlib.suppress(Exception):  # Stopped; what failed at this moment is of no use to a run that ends
            await running
        raise


def hash_of(file: BinaryIO, stopped: threading.Event) -> str:
    """The sha256 of a file from its first byte on. Raises OSError; Stopped."""
    return _read(file, stopped, lambda _: None)


def hash_on_disk(file: BinaryIO, stopped: threading.Event) -> str:
    """The sha256 of what the disk has of a synced file, as far as this machine's page cache can be dropped."""
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return hash_of(file, stopped)


def copy(source: BinaryIO, target: str, stopped: threading.Event, progress: Callable[[int], None] | None = None) -> str:
    """Write a new file `target`, synced to the disk; returns the sha256 of what was read.

    `progress`: gets the bytes of each block that is written. Raises OSError; Stopped.
    """
    with open(target, "xb") as file:

        def write(block: memoryview) -> None:
            file.write(block)
            if progress:
                progress(len(block))

        digest = _read(source, stopped, write)
        file.flush()
        os.fsync(file.fileno())
    return digest


def reflink(source: BinaryIO, target: str) -> bool:
    """Make a new file `target` that shares the blocks of `source`; whether the file system can (Btrfs, XFS)."""
    with open(target, "xb") as file:
        try:
            fcntl.ioctl(file.fileno(), _FICLONE, source.fileno())
        except OSError:  # EOPNOTSUPP, EXDEV, ENOTTY; which one depends on the file system
            os.unlink(target)
            return False
        os.fsync(file.fileno())
    return True


def _read(file: BinaryIO, stopped: threading.Event, each: Callable[[memoryview], object]) -> str:
    digest, buffer = hashlib.sha256(), memoryview(bytearray(_BLOCK))
    file.seek(0)
    while count := file.readinto(buffer):  # type: ignore[attr-defined] # `open` without a text mode
        if stopped.is_set():
            raise Stopped
        digest.update(buffer[:count])
        each(buffer[:count])
    return digest.hexdigest()
