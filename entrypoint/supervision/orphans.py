"""A: finds and kills what a program left behind.

supervisord is the reaper of its descendants (as PID 1, or as a subreaper), so whatever loses its parent
becomes its direct child. Every start of a program carries its own mark in the environment, which children
inherit: what bears the mark of an earlier start is an orphan, whatever session or group it moved to.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping

MARK = "PODKEEPER_START"
PR_SET_CHILD_SUBREAPER = 36  # <sys/prctl.h>


def adopt_descendants() -> None:
    """Become the reaper of all descendants; PID 1 is one already (and is spared the import of ctypes)."""
    if os.getpid() == 1:
        return
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def new_mark(name: str) -> str:
    """The mark of one start of a program: never the same twice, not even after a reload of supervisord."""
    return f"{name}:{time.monotonic_ns()}"


class Sweeper:
    """Kills orphans of earlier starts until a pass finds none.

    What forks meanwhile is reparented to us when its parent dies, and the SIGCHLD of the killed brings the
    next pass.
    """

    def __init__(self, is_program: Callable[[int], bool]) -> None:
        self._is_program = is_program
        self.wanted: set[str] = set()

    def add(self, name: str) -> None:
        """A program of this name has ended."""
        self.wanted.add(name)

    def sweep(self, current: Mapping[str, str]) -> int:
        """One pass; `current` are the marks of what runs now. Returns how many processes it killed."""
        killed = 0
        for child in list(children(os.getpid())):
            mark = "" if self._is_program(child) else _mark(child)
            name = mark.rpartition(":")[0]
            if name in self.wanted and mark != current.get(name):
                killed += _kill_tree(child)
        if not killed:
            self.wanted.clear()
        return killed


def children(pid: int) -> Iterator[int]:
    """Living children of a process; none if it is gone."""
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
        try:
            os.kill(victim, signal.SIGKILL)
            killed += 1
        except OSError:
            continue
    return killed


def _mark(pid: int) -> str:
    """The mark in a process's environment; empty for a zombie, a stranger or one we may not read."""
    environ = b""
    try:
        environ = _environ(pid)
    except PermissionError:
        with contextlib.suppress(OSError):
            environ = _environ_as_its_owner(pid)
    except OSError:
        pass  # it is gone
    start = MARK.encode() + b"="
    return next((entry[len(start) :].decode() for entry in environ.split(b"\0") if entry.startswith(start)), "")


def _environ(pid: int) -> bytes:
    with open(f"/proc/{pid}/environ", "rb") as file:
        return file.read()


def _environ_as_its_owner(pid: int) -> bytes:
    """A container's root has no CAP_SYS_PTRACE, so it can't look into another user's process (proc(5)).

    That user can; single-threaded as supervisord is, becoming them for one read disturbs nobody.
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
