"""A process that is killed (-9) at a moment of one's choice: before its n-th change of the file system."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

#: Audit events before which the process may be killed; `ctypes.dlsym` precedes a renameat2(2) through ctypes.
CHANGES = ("os.mkdir", "os.symlink", "os.rename", "os.rmdir", "os.remove", "ctypes.dlsym")


def killed_before(number: int, work: Callable[[], object]) -> bool:
    """Do the work in a child process that is killed before its change `number` (from 0 on); False: it made fewer."""
    pid = os.fork()
    if pid == 0:
        left = number

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in CHANGES:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(count)
            work()
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1] & 0x7F == signal.SIGKILL
