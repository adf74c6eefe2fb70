"""A: makes this process the last to get the processor and the disk."""

from __future__ import annotations

import contextlib
import ctypes
import os

_SYS_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
_WHO_PROCESS, _CLASS_IDLE = 1, 3 << 13


def be_quiet() -> None:
    """nice 19 and ionice's idle class; where either is refused it goes on as it is. Call it before any thread."""
    with contextlib.suppress(OSError):
        os.nice(19)
    number = _SYS_IOPRIO_SET.get(os.uname().machine)
    if number is not None:
        ctypes.CDLL(None).syscall(number, _WHO_PROCESS, 0, _CLASS_IDLE)
