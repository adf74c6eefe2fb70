"""A: the modes of a volume's top folders, set before the services start, in milliseconds on any volume.

Only folders, only the first level, no ctypes (3 ms of import) and no thread: every folder is pinned by an
O_PATH descriptor (one look-up, no permission needed) and changed through it, so that no link can be put in
its place. Folders beyond the time budget are left to the pass in the background.
"""

import errno
import os
import time
from typing import NamedTuple

from entrypoint.system.folders import open_data_folder
from entrypoint.volumes.rules import Change, Rule, is_entered, is_top, needed_change

BUDGET_S = 0.2
MAX_ENTRIES = 2000  # of the first level; a folder of 60,000 files would cost 30 ms to list

_PIN = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_SWAPPED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # removed or replaced meanwhile: no error


class TopReport(NamedTuple):
    """Folders seen and changed, error name -> count, and whether every top folder was handled."""

    folders: int
    changed: int
    errors: dict[str, int]
    complete: bool
    milliseconds: float


def make_top_usable(data_dir: str, rule: Rule, budget_s: float = BUDGET_S) -> TopReport:
    """Set mode 0777 (and the rule's owner) on `data_dir` and its visible first-level folders.

    Takes at most about `budget_s` seconds on a volume that responds; for others see system/bounded_process.py.
    Never raises OSError: an error is counted and the next folder is tried.
    """
    began = time.perf_counter()
    errors: dict[str, int] = {}
    folders = changed = 0
    try:
        top = open_data_folder(data_dir, follow=rule.follow)
    except OSError as problem:
        _count(errors, problem)
        return TopReport(0, 0, errors, False, _milliseconds(began))
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
    return TopReport(folders, changed, errors, complete and not errors, _milliseconds(began))


def _first_level(top: int, errors: dict[str, int]) -> tuple[list[str], bool]:
    """The folders to change, and whether the listing is complete."""
    names: list[str] = []
    try:
        with os.scandir(top) as entries:
            for seen, entry in enumerate(entries):
                if seen >= MAX_ENTRIES:
                    return names, False
                if entry.is_dir(follow_symlinks=False) and is_entered(entry.name) and is_top(1, entry.name):
                    names.append(entry.name)
    except OSError as problem:
        _count(errors, problem)
    return names, True


def _make_usable(top: int, name: str, mount: bytes, rule: Rule) -> bool:
    """Change the folder `name` of `top` ("": `top` itself) if needed; returns whether it was."""
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
    """Set the mode even where the owner is refused: 0777 is what makes the top usable."""
    try:
        if change.owner:
            os.chown(pinned, change.uid, change.gid)
    finally:
        if change.mode is not None:
            os.chmod(pinned, change.mode)


def _mount_id(descriptor: int) -> bytes:
    """b"" without /proc: then no folder is taken for another mount."""
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
