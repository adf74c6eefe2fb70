"""A: replaces the entrypoint by supervisord: same process, same PID."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NoReturn

#: One static file, read top to bottom, beside the package.
SUPERVISORD_CONF = os.path.join(__file__.rsplit("/", 3)[0], "supervisord.conf")


def become_supervisord(python: str, environ: Mapping[str, str]) -> NoReturn:
    """Replace this process by supervisord, which stays in the foreground.

    -I: neither the user's PYTHONPATH nor the current folder can shadow a module of supervisord's.

    Args:
        python: The interpreter to run it with.
        environ: Its whole environment.

    Raises:
        OSError: The interpreter cannot be run.
    """
    command = [python, "-I", "-m", "supervisor.supervisord", "--nodaemon", "--configuration", SUPERVISORD_CONF]
    if os.geteuid() == 0:
        command += ["--user", "root"]  # without it supervisord logs CRIT; another uid may have no name to give
    os.execve(python, command, dict(environ))
