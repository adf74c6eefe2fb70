"""A: the search for and killing of orphans: processes that a program left behind.

supervisord is the subreaper of its descendants (prctl(2)) or PID 1, so every process that loses its parent
becomes its direct child. Every start of a program has its own mark in the environment, which children inherit: a
process with the mark of an earlier start is an orphan, whatever session or process group it moved to.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping

MARK = "PODKEEPER_START"
PR_SET_CHILD_SUBREAPER = 36  # <sys/prctl.h>


def become_subreaper() -> None:
    """Become the parent of orphaned descendants; PID 1 is that already and skips the import of ctypes."""
    if os.getpid() == 1:
        return
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def new_mark(name: str) -> str:
    """Return the mark of one start of a program: unique, also after a reload of supervisord."""
    return f"{name}:{time.monotonic_ns()}"


class Sweeper:
    """Kills orphans of earlier starts until a pass finds none.

    A process that an orphan forks meanwhile is reparented to us when the orphan dies, and the SIGCHLD of the killed
    orphan triggers the next pass.
    """

    def __init__(self, is_program: Callable[[int], bool]) -> None:
        self._is_program = is_program
        self.pending: set[str] = set()

    def add(self, name: str) -> None:
        """Sweep for this program from the next pass on: its process has ended."""
        self.pending.add(name)

    def sweep(self, current: Mapping[str, str]) -> int:
        """Make one pass; returns how many processes it killed. `current`: program -> its running process's mark."""
        killed = 0
        for child in list(children(os.getpid())):
            mark = "" if self._is_program(child) else _mark(child)
            name = mark.rpartition(":")[0]
            if name in self.pending and mark != current.get(name):
                killed += _kill_tree(child)
        if not killed:
            self.pending.clear()
        return killed


def children(pid: int) -> Iterator[int]:
    """Yield the living children of a process; none if the process has ended."""
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                yield from map(int, file.read().split())
    except OSError:
        return


def _kill_tree(pid: int) -> int:
    killed = 0
    todo = [pid]
    while todo:
        victim = todo.pop()
        todo += children(victim)
        with contextlib.suppress(OSError):
            os.kill(victim, signal.SIGKILL)
            killed += 1
    return killed


def _mark(pid: int) -> str:
    """The mark in a process's environment; empty for a zombie, an unmarked process or one we may not read."""
    environ = b""
    try:
        environ = _environ(pid)
    except PermissionError:
        with contextlib.suppress(OSError):
            environ = _environ_as_its_owner(pid)
    except OSError:
        pass  # the process has ended
    start = MARK.encode() + b"="
    return next((entry[len(start) :].decode() for entry in environ.split(b"\0") if entry.startswith(start)), "")


def _environ(pid: int) -> bytes:
    with open(f"/proc/{pid}/environ", "rb") as file:
        return file.read()


def _environ_as_its_owner(pid: int) -> bytes:
    """A container's root has no CAP_SYS_PTRACE, so it cannot read another user's process (proc(5)).

    That user can. supervisord is single-threaded, so switching to that user for one read affects no other code.
    """
    owner = os.stat(f"/proc/{pid}")
    uid, gid = os.geteuid(), os.getegid()
    os.setegid(owner.st_gid)
    try:
        os.seteuid(owner.st_uid)
        try:
            return _environ(pid)
        finally:
            os.seteuid(uid)
    finally:
        os.setegid(gid)
