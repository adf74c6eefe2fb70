"""A: replaces the entrypoint by supervisord: same process, same PID."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Mapping
from typing import NoReturn

#: One static file, read top to bottom, beside the package.
SUPERVISORD_CONF = os.path.join(__file__.rsplit("/", 3)[0], "supervisord.conf")


#: Open files of supervisord and each child: JupyterLab's kernels, ComfyUI's models and sockets.
_WANTED_FILES = 65536
#: `minfds` of supervisord.conf.
LEAST_FILES = 64


def raise_file_limit() -> None:
    """Raise the limit of open files as far as it may be.

    Raises:
        OSError: Even the highest one is too low for a pod.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FILES)
    if most < LEAST_FILES:
        problem = f"{hard} open files are allowed, {LEAST_FILES} are the least (docker run --ulimit nofile=65536)"
        raise OSError(errno.EMFILE, problem, "the limit is too low")
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def become_supervisord(python: str, environ: Mapping[str, str]) -> NoReturn:
    """Replace this process by supervisord, which stays in the foreground.

    -I: neither the user's PYTHONPATH nor the current folder can shadow a module of supervisord's.

    Args:
        python: The interpreter to run it with.
        environ: Its whole environment.

    Raises:
        OSError: The interpreter cannot be run, or too few files may be open.
    """
    if '"' in python:
        raise OSError(errno.EINVAL, 'supervisord.conf cannot hold a path with "; rename the folder', python)
    raise_file_limit()
    command = [python, "-I", "-m", "supervisor.supervisord", "--nodaemon", "--configuration", SUPERVISORD_CONF]
    if os.geteuid() == 0:
        command += ["--user", "root"]  # without it supervisord logs CRIT; another uid may have no name to give
    os.execve(python, command, dict(environ))
