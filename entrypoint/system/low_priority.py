"""A: lowers the CPU and I/O priority of this process."""

from __future__ import annotations

import contextlib
import ctypes
import os

_SYS_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
_WHO_PROCESS, _CLASS_IDLE = 1, 3 << 13


def lower_priority() -> None:
    """Set nice 19 and the idle I/O class (ioprio_set(2)) where permitted. Call it before any thread starts."""
    with contextlib.suppress(OSError):
        os.nice(19)
    number = _SYS_IOPRIO_SET.get(os.uname().machine)
    if number is not None:
        ctypes.CDLL(None).syscall(number, _WHO_PROCESS, 0, _CLASS_IDLE)
