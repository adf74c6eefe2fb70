"""A: wakes a program when a file comes into a folder, so that it need not look ten times a second.

By fcntl's F_NOTIFY (dnotify, fcntl(2)): the kernel sends SIGIO to this process when a file of the folder is created,
replaced or removed by any process of this machine. Unlike inotify it is in the standard library, and has no limit for
all containers of a host together. Where a kernel or a file system has none of it, the callers' periods remain.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal

_CHANGES = fcntl.DN_CREATE | fcntl.DN_RENAME | fcntl.DN_DELETE | fcntl.DN_MULTISHOT


def notice(folder: str) -> int | None:
    """Have SIGIO sent at each change of a folder; block or handle SIGIO before, as it ends a process otherwise.

    Returns:
        The folder's descriptor, which ends it when it is closed; None: this kernel cannot, or there is no such folder.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.fcntl(descriptor, fcntl.F_NOTIFY, _CHANGES)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


class FolderChanges:
    """For a program with an event loop, in its main thread, as long as it lives."""

    def __init__(self, folder: str) -> None:
        self._changed = asyncio.Event()
        with contextlib.suppress(ValueError, RuntimeError):  # not the main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGIO, self._wake)
            notice(folder)

    def mark(self) -> asyncio.Event:
        """What a later change sets. Take it before you look at the files: no change between is missed then."""
        return self._changed

    async def wait(self, mark: asyncio.Event, seconds: float) -> None:
        """Until something has changed since the mark, for so many seconds at most."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(mark.wait(), seconds)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
