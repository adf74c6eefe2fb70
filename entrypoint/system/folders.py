"""A: opens and makes folders where root must not follow another user's links: name by name, by descriptors.

This is what openat2(2) does with RESOLVE_NO_SYMLINKS, without ctypes, which costs 3 ms of a start, and with one
exception: a link that only root can have made leads on, because `/comfyui` itself may be one.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40  # as path_resolution(7)


class Opened(NamedTuple):
    """An open folder. `ours`: no other user can put another folder in its place, or it was made just now."""

    descriptor: int
    ours: bool


def open_folder(path: str, make: int | None = None) -> Opened:
    """Open a folder by its absolute path; `make`: the mode of missing folders, which are then made.

    Raises:
        OSError: It is missing, or a link of another user is on the way (ELOOP, ENOTDIR).
    """
    current, ours, links = os.open("/", FOLDER), True, 0
    rest = _names(path)
    try:
        while rest:
            name = rest.pop()
            safe, made = ours and _is_safe(current, name), False
            try:
                below = os.open(name, FOLDER, dir_fd=current)
            except FileNotFoundError:
                if make is None:
                    raise
                os.mkdir(name, make, dir_fd=current)
                below, made = os.open(name, FOLDER, dir_fd=current), True
            except OSError as error:
                links += 1
                if error.errno not in (errno.ELOOP, errno.ENOTDIR) or not safe or links > _MOST_LINKS:
                    raise
                target = os.readlink(name, dir_fd=current)
                rest += _names(target)
                below = os.open("/" if target.startswith("/") else ".", FOLDER, dir_fd=current)
            os.close(current)
            current, ours = below, safe or made
    except OSError as error:
        os.close(current)
        raise OSError(error.errno, error.strerror, path) from None
    return Opened(current, ours)


def open_data_folder(path: str, *, follow: bool) -> int:
    """Open the data folder; `follow`: through links, too: no other user than this process's can have made them."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) if follow else open_folder(path).descriptor


def _names(path: str) -> list[str]:
    """The names of a path, last first."""
    return [name for name in path.split("/") if name][::-1]


def _is_safe(parent: int, name: str) -> bool:
    """Whether only root can replace `name`: no other user may write to `parent`, or it is sticky and `name` root's."""
    found = os.fstat(parent)
    if found.st_uid != os.geteuid():
        return False
    if not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return True
    try:
        return bool(found.st_mode & stat.S_ISVTX) and os.lstat(name, dir_fd=parent).st_uid == os.geteuid()
    except FileNotFoundError:
        return False
