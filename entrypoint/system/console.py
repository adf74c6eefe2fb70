"""A: opens the container's stdout for the programs that write to it."""

from __future__ import annotations

import os
import sys


def open_container_stdout() -> int:
    """Return a new descriptor of supervisord's stdout.

    A child's stdout is a pipe to supervisord, and supervisord itself must never write to the container's stdout: a
    reader that stalls would stop all supervision. /proc/<pid>/fd/1 opens the same pipe, terminal or file again
    (proc(5)), so that only the writing program can stall. Where stdout is a socket (ENXIO) or another user's, this is
    the process's own stdout, which supervisord writes to a log file.
    """
    try:
        # O_NONBLOCK for the opening only: opening a pipe without a reader would block.
        console = os.open(f"/proc/{os.getppid()}/fd/1", os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return 1
    os.set_blocking(console, True)
    return console


def flush_stdout() -> None:
    """Flush stdout; where its reader has gone away (`| head -1`), discard all further output.

    Python flushes once more at exit, and would fail once more.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def say(console: int, text: str) -> None:
    """Write all of `text`; a reader that has gone away is no error."""
    rest = text.encode("utf-8", "replace")
    try:
        while rest:
            rest = rest[os.write(console, rest) :]
    except OSError:
        pass
