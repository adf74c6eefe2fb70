"""A: runs work in a forked child process with a deadline.

A system call on a dead network mount never returns. A thread that is stuck in one cannot be abandoned, a process can.
"""

import contextlib
import errno
import marshal
import os
import select
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

# What marshal carries: plain data, so that the boot path need not import json or pickle.
Plain = dict[str, str | int | bool | None]

#: Values of "error" where the child gave no answer.
HUNG, DIED = "HUNG", "DIED"

_REAP_S = 0.1


class Child(NamedTuple):
    pid: int
    answers: int
    started: float


def launch(work: Callable[[], Plain]) -> Child:
    """Start `work` in a child process; `collect` returns its result.

    Raises:
        OSError: No child process can be created.
    """
    reading, writing = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        raise
    if pid == 0:
        _be_the_child(work, reading, writing)
    os.close(writing)
    return Child(pid, reading, time.monotonic())


def _be_the_child(work: Callable[[], Plain], reading: int, writing: int) -> None:
    status = 1
    try:
        os.close(reading)
        try:
            answer = work()
        except OSError as problem:
            answer = {"error": errno.errorcode.get(problem.errno or 0, "EIO"), "step": "start"}
        os.write(writing, marshal.dumps(answer))
        status = 0
    finally:
        os._exit(status)


def collect(child: Child, timeout_s: float) -> Plain:
    """Return the child's result, at most `timeout_s` seconds after its launch; never raises, never waits longer.

    {"error": "HUNG"}: no result in time (the child is killed, and reaped if the kernel lets it go).
    {"error": "DIED"}: the child ended without a result.
    """
    deadline = child.started + timeout_s
    received, error = b"", HUNG
    while select.select([child.answers], [], [], max(0.0, deadline - time.monotonic()))[0]:
        piece = os.read(child.answers, 65536)
        if not piece:
            error = DIED
            break
        received += piece
    os.close(child.answers)
    _end(child.pid)
    try:
        answer: Plain = marshal.loads(received)  # noqa: S302 - written by our own fork
        return answer
    except (EOFError, ValueError, TypeError):
        return {"error": error}


def _end(pid: int) -> None:
    """Kill and reap the child; one that is stuck in the kernel stays until its call returns, and PID 1 reaps it."""
    patience = time.monotonic() + _REAP_S
    try:
        with contextlib.suppress(PermissionError):  # it kept root's privileges, and this process has dropped them
            os.kill(pid, signal.SIGKILL)
        while os.waitpid(pid, os.WNOHANG)[0] == 0 and time.monotonic() < patience:
            time.sleep(0.001)
    except (ProcessLookupError, ChildProcessError):
        pass  # SIGCHLD is ignored here: the kernel has reaped it


def run_bounded(work: Callable[[], Plain], timeout_s: float) -> Plain:
    return collect(launch(work), timeout_s)
