"""A: the set-up of a new process between fork and exec, still inside supervisord's memory."""

import os
import signal
from collections.abc import Iterable

from entrypoint.supervision.orphans import MARK

#: Niceness of the programs that work in the background: on two cores their Python starts cost the first page 40 ms.
BACKGROUND_NICE = 10


def prepare_child(handled: Iterable[int], mark: str, oom_score_adj: int, background: bool) -> None:
    """Reset the signals in `handled`, set the start's mark, raise oom_score_adj so that supervisord survives, and
    lower the priority of a program that works in the `background`."""
    try:
        signal.set_wakeup_fd(-1)
        for number in handled:
            signal.signal(number, signal.SIG_DFL)
        os.environ[MARK] = mark
        _take_no_input()
        _raise_oom_score_adj(oom_score_adj)
        os.nice(BACKGROUND_NICE if background else 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
    except Exception as problem:  # an exception here would leave a second supervisord running
        os.write(2, f"podkeeper: {problem!r}\n".encode())


def _take_no_input() -> None:
    """stock supervisord gives a pipe that stays open: a node that asks a question at import would wait for ever."""
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.dup2(descriptor, 0)
    os.close(descriptor)


def _raise_oom_score_adj(by: int) -> None:
    """A process may raise its own value without privilege."""
    try:
        with open("/proc/self/oom_score_adj", "r+", encoding="ascii") as file:
            own = int(file.read())
            file.seek(0)
            file.write(str(min(1000, own + by)))
    except OSError:
        pass  # /proc is read-only or hidden in some sandboxes; the program matters more
