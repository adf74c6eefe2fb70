"""A: makes the top of a volume usable before the services start, in milliseconds whatever is below it.

Only folders, only the first level, no ctypes (3 ms of import) and no thread: every folder is pinned by an
O_PATH descriptor (one look-up, no permission needed) and changed through it, so that nobody can put a link in
its place. What does not fit into the time allowed is left to the pass in the background.
"""

import errno
import os
import time
from typing import NamedTuple

from entrypoint.volumes.rules import Change, Rule, is_entered, is_top, needed_change

BUDGET_S = 0.2
MOST_ENTRIES = 2000  # of the first level; a folder of 60,000 files would cost 30 ms to list

_PIN = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_SWAPPED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # gone, or something else by now: no error


class QuickReport(NamedTuple):
    """What was done: folders seen and changed, error names met (with how often), whether it got through."""

    folders: int
    changed: int
    errors: dict[str, int]
    complete: bool
    milliseconds: float


def make_top_usable(data_dir: str, rule: Rule, budget_s: float = BUDGET_S) -> QuickReport:
    """0777 (and the rule's owner) for `data_dir` and its visible first-level folders.

    Takes at most about `budget_s` seconds on a volume that answers; for one that may not, see bounded.py.
    Never raises OSError: an error is counted and the next folder is tried.
    """
    began = time.perf_counter()
    errors: dict[str, int] = {}
    folders = changed = 0
    try:
        top = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as problem:
        _count(errors, problem)
        return QuickReport(0, 0, errors, False, _milliseconds(began))
    try:
        mount = _mount_id(top)
        names, complete = _first_level(top, errors)
        for name in ["", *names]:
            if time.perf_counter() - began > budget_s:
                complete = False
                break
            try:
                changed += _make_usable(top, name, mount, rule)
                folders += 1
            except OSError as problem:
                if problem.errno not in _SWAPPED:
                    _count(errors, problem)
    finally:
        os.close(top)
    return QuickReport(folders, changed, errors, complete and not errors, _milliseconds(began))


def _first_level(top: int, errors: dict[str, int]) -> tuple[list[str], bool]:
    """The folders to open up, and whether the listing got to its end."""
    names: list[str] = []
    try:
        with os.scandir(top) as entries:
            for seen, entry in enumerate(entries):
                if seen >= MOST_ENTRIES:
                    return names, False
                if entry.is_dir(follow_symlinks=False) and is_entered(entry.name) and is_top(1, entry.name):
                    names.append(entry.name)
    except OSError as problem:
        _count(errors, problem)
    return names, True


def _make_usable(top: int, name: str, mount: bytes, rule: Rule) -> bool:
    """Whether the folder `name` of `top` ("": `top` itself) had to be changed."""
    folder = os.open(name, _PIN, dir_fd=top) if name else os.dup(top)
    try:
        change = needed_change(rule, os.fstat(folder), top=True)
        if change is None or (name and _mount_id(folder) != mount):
            return False
        _apply(f"/proc/self/fd/{folder}", change)
        return True
    finally:
        os.close(folder)


def _apply(pinned: str, change: Change) -> None:
    """The mode even where the owner is refused: 0777 is what makes the top usable."""
    try:
        if change.owner:
            os.chown(pinned, change.uid, change.gid)
    finally:
        if change.mode is not None:
            os.chmod(pinned, change.mode)


def _mount_id(descriptor: int) -> bytes:
    """b"" where /proc does not tell: then nothing is taken for another mount."""
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", "rb") as lines:
            return next((line for line in lines if line.startswith(b"mnt_id:")), b"")
    except OSError:
        return b""


def _count(errors: dict[str, int], problem: OSError) -> None:
    name = errno.errorcode.get(problem.errno or 0, str(problem.errno))
    errors[name] = errors.get(name, 0) + 1


def _milliseconds(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
