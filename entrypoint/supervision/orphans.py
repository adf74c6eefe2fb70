"""Finds and kills what a program left behind (A).

supervisord is the reaper of its descendants (as PID 1, or as a subreaper), so whatever loses its parent
becomes its direct child. Every start of a program carries its own mark in the environment, which children
inherit: what bears the mark of an earlier start is an orphan, whatever session or group it moved to.
"""

import os
import signal
from collections.abc import Callable, Iterator

MARK = "PODKEEPER_START"
PR_SET_CHILD_SUBREAPER = 36  # <sys/prctl.h>


def adopt_descendants() -> None:
    """Become the reaper of all descendants; PID 1 is one already (and is spared the import of ctypes)."""
    if os.getpid() == 1:
        return
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def mark_of(name: str, start: int) -> str:
    """The mark of a program's n-th start."""
    return f"{name}:{start}"


def sweep(is_orphan: Callable[[str], bool], known: Callable[[int], bool]) -> int:
    """Kill our direct children that supervisord did not start and whose mark `is_orphan`, with their trees.

    Returns how many processes were signalled. What forks meanwhile is reparented to us when its parent dies:
    sweep again until it returns 0.
    """
    killed = 0
    for child in list(children(os.getpid())):
        if not known(child) and is_orphan(_mark(child)):
            killed += _kill_tree(child)
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
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environ = file.read()
    except OSError:
        return ""
    start = MARK.encode() + b"="
    return next(
        (entry[len(start) :].decode() for entry in environ.split(b"\0") if entry.startswith(start)), ""
    )
