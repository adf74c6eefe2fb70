"""A: the container's own stdout, for the programs that speak to the user through it."""

from __future__ import annotations

import os


def open_container_stdout() -> int:
    """A descriptor of our own on supervisord's stdout.

    A child's stdout is a pipe to supervisord, and supervisord itself must never write to the container's:
    when whoever reads it stalls, all supervision would stop. /proc/<pid>/fd/1 opens the same pipe, terminal or
    file again (proc(5)), so only the program that writes can stall. Not possible where stdout is a socket
    (ENXIO) or another user's: then our own stdout, which supervisord keeps in a file.
    """
    try:
        # O_NONBLOCK for the opening only: a pipe that nobody reads would hold us here.
        console = os.open(f"/proc/{os.getppid()}/fd/1", os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return 1
    os.set_blocking(console, True)
    return console


def say(console: int, text: str) -> None:
    """Write `text` whole; a reader that has gone away is no error."""
    rest = text.encode("utf-8", "replace")
    try:
        while rest:
            rest = rest[os.write(console, rest) :]
    except OSError:
        pass
