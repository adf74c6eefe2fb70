"""A: become supervisord: same process, same PID; the entrypoint never comes back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NoReturn

#: One static file, read top to bottom, beside the package.
SUPERVISORD_CONF = os.path.join(__file__.rsplit("/", 3)[0], "supervisord.conf")


def become_supervisord(python: str, environ: Mapping[str, str]) -> NoReturn:
    """Replace this process by supervisord, which stays in the foreground.

    -I: neither the user's PYTHONPATH nor the folder we stand in can put a module in supervisord's way.
    """
    command = [
        python,
        "-I",
        "-m",
        "supervisor.supervisord",
        "--nodaemon",
        "--configuration",
        SUPERVISORD_CONF,
    ]
    if os.geteuid() == 0:
        command += ["--user", "root"]  # said aloud, or it logs CRIT; any other uid may have no name to say
    os.execve(python, command, dict(environ))
