"""A: creates the folders the pod itself writes to, and JupyterLab's configuration in the home.

The log folder and the runtime folder are this process's own. The home is the services' user's: root makes the home
itself, and that user makes what is in it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from dataclasses import replace

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import with_logs
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import Identity
from entrypoint.system.files import remove, write_atomically
from entrypoint.system.folders import FOLDER, open_folder
from entrypoint.system.privileges import as_service_user

#: Folders of the runtime folder that the services' user writes to.
_THEIRS = ("conditions", "requests", "reports", "events")
#: Folders of the runtime folder that every start makes anew.
_MADE_ANEW = ("secrets", "gateway", "sshd")

#: Where Jupyter keeps the record of a running server, below the home (jupyter_core.paths.jupyter_runtime_dir).
_RUNTIME_OF_JUPYTER = tuple(
    (path, 0o700) for path in ("/.local", "/.local/share", "/.local/share/jupyter", "/.local/share/jupyter/runtime")
)


def make_runtime_folder(paths: Paths) -> None:
    """Create the runtime folder, which the lock of a running pod is in.

    Raises:
        OSError: It cannot be created, or belongs to another user. It holds the token, and in a shared temporary folder
            another user could have created it first.
    """
    _make_folder(paths.runtime)
    os.close(_open_runtime_folder(paths.runtime))


def make_own_folders(paths: Paths, service: Identity) -> None:
    """Create the log folder and what is in the runtime folder, and clear the conditions of an earlier start.

    Args:
        paths: Where the folders are.
        service: The user of the services.

    Raises:
        OSError: A folder cannot be created.
    """
    _make_folder(paths.log)
    if os.geteuid() == 0:
        close_log_folder(paths.log)
    _make_runtime_folders(paths.runtime, service)


def make_home(settings: Settings, paths: Paths, service: Identity, config: Callable[[Paths], str]) -> Paths:
    """Create the home and write JupyterLab's configuration into it: the login depends on it.

    Returns:
        `paths`, with a home in the runtime folder where the home can't be used: `docker run --read-only`, a file or
        folder of it mounted read-only, HOME=/proc.

    Args:
        settings: They name the user of the services.
        paths: Where the home is.
        service: The user of the services.
        config: Returns the text of `jupyter_lab_config.py`.

    Raises:
        OSError: The home in the runtime folder cannot be used, either.
    """
    for home in (paths.home, f"{paths.runtime}/home"):
        usable = replace(paths, home=home)
        try:
            _make_home(home, service)
            text = config(usable)
            as_service_user(settings, lambda: _fill_home(usable, text))  # noqa: B023 # called at once
        except OSError:
            if home != paths.home:
                raise
        else:
            break
    return usable


def report_home(wanted: str, paths: Paths) -> None:
    """Raise CannotDo where the services have another home than `wanted`."""
    if paths.home == wanted:
        return
    reason = f"{wanted} cannot be written to, so the services' home is {paths.home}, which the next start empties"
    remedy = f"make {wanted} writable, or set HOME; JupyterLab also reads {paths.data}/.jupyter/jupyter_lab_config.py"
    raise CannotDo(Condition("HomeNotUsable", reason, remedy))


def close_log_folder(folder: str) -> None:
    """Take the log folder (1777 in the image) for root alone, and remove what supervisord must not open as a log.

    Only a regular file of root's with one name is a log: a link, a fifo or another user's file would be read and
    written in its place.
    """
    names = tuple(program.log_file for program in with_logs())
    opened = os.open(folder, FOLDER)
    try:
        try:
            os.fchown(opened, 0, -1)
            os.fchmod(opened, 0o755)
        except OSError as error:  # of a descriptor; the message needs the name
            raise OSError(error.errno, error.strerror, folder) from error
        for name in os.listdir(opened):
            if name.startswith(names):
                found = os.lstat(name, dir_fd=opened)
                if not stat.S_ISREG(found.st_mode) or found.st_uid != 0 or found.st_nlink != 1:
                    remove(name, dir_fd=opened)
    finally:
        os.close(opened)


def _open_runtime_folder(runtime: str) -> int:
    opened = os.open(runtime, FOLDER)
    found = os.fstat(opened)
    if found.st_uid != os.geteuid():
        os.close(opened)
        raise PermissionError(1, "it belongs to another user; remove it", runtime)
    if found.st_mode & 0o022:
        os.fchmod(opened, 0o755)
    return opened


def _make_runtime_folders(runtime: str, service: Identity) -> None:
    opened = _open_runtime_folder(runtime)
    try:
        for name in os.listdir(opened):
            kind = stat.S_IFMT(os.lstat(name, dir_fd=opened).st_mode)
            kept = (stat.S_IFDIR,) if name in _THEIRS else (stat.S_IFREG, stat.S_IFSOCK)
            if kind not in kept or name in _MADE_ANEW:
                remove(
                    name, dir_fd=opened
                )  # a write to a folder would fail, opening a FIFO block, a link lead elsewhere
        for name in _THEIRS:
            _make_theirs(name, opened, service)
    finally:
        os.close(opened)


def _make_theirs(name: str, runtime: int, service: Identity) -> None:
    """Make an empty folder of the services' user; what an earlier start has left in it is of no use."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=runtime)
    folder = os.open(name, FOLDER, dir_fd=runtime)
    try:
        for left in os.listdir(folder):
            with contextlib.suppress(OSError):  # a process of that user's that outlived the last pod may race this one
                remove(left, dir_fd=folder)
        if service.uid != os.geteuid():
            os.fchown(folder, *service)
    finally:
        os.close(folder)


def _make_folder(path: str) -> None:
    """Make a folder; a file in its place, or a link that leads nowhere, is set aside."""
    try:
        os.makedirs(path, mode=0o755, exist_ok=True)
    except FileExistsError:
        _set_aside(path)
        os.makedirs(path, mode=0o755)


def _make_home(home: str, service: Identity) -> None:
    if service.uid == os.geteuid():
        _make_folder(home)
        return
    folder, ours = open_folder(home, make=0o755)
    try:
        if ours and os.fstat(folder).st_uid != service.uid:
            os.fchown(folder, *service)
    finally:
        os.close(folder)


def _fill_home(paths: Paths, config: str) -> None:
    """Make the folders without which JupyterLab does not start; a link or file in the way is set aside. Then write the
    configuration in place of whatever is there."""
    for names, mode in (("/.jupyter", 0o700), ("/.jupyter/labconfig", 0o755), *_RUNTIME_OF_JUPYTER):
        folder = paths.home + names
        try:
            os.makedirs(folder, mode=mode, exist_ok=True)
            usable = os.access(folder, os.W_OK | os.X_OK)
        except FileExistsError:  # a file, or a link that leads nowhere
            usable = False
        if not usable:
            _set_aside(folder)
            os.makedirs(folder, mode=mode)
    write_atomically(f"{paths.jupyter_config_folder}/jupyter_lab_config.py", config)


def _set_aside(path: str) -> None:
    os.rename(path, f"{path}.set-aside-{os.urandom(6).hex()}")
