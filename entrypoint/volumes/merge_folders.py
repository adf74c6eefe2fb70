"""A: the merge of two folders into one folder and a link to it, by adoption_plan's actions."""

import contextlib
import ctypes
import errno
import os

from entrypoint.conditions.condition import Condition
from entrypoint.volumes.adoption_plan import (
    Action,
    Facts,
    Kind,
    Link,
    Move,
    Relink,
    RemoveEmpty,
    plan_link,
    ready_link,
    refused,
)

_RENAME_NOREPLACE, _AT_FDCWD = 1, -100


def merge(old: str, new: str, text: str) -> Condition | None:
    """Move the content of `new` to `old` and make `new` a link to it; returns the condition that prevents that.

    `text`: of that link.
    """
    try:
        facts = collect(old, new, text)
    except OSError as error:
        return _refused(old, new, error)
    plan = plan_link(facts)
    return plan.condition or _execute(plan.actions, facts)


def collect(old: str, new: str, wanted: str) -> Facts:
    """Collect the facts about one pair. The tree at `old` is listed only where `new` has the same folders."""
    link = os.readlink(new) if os.path.islink(new) else ""
    new_tree = {} if link else _tree(new)
    shared = {path for path, kind in new_tree.items() if kind == "folder"} | {""}
    texts = {path: os.readlink(f"{new}/{path}") for path, kind in new_tree.items() if kind == "link"}
    relative = {path: text for path, text in texts.items() if not text.startswith("/")}
    real = (os.path.realpath(old), f"{os.path.realpath(os.path.dirname(new))}/{os.path.basename(new)}")
    return Facts(old, new, link, wanted, _tree(old, shared), new_tree, relative, real)


def _tree(top: str, only: set[str] | None = None) -> dict[str, Kind]:
    if not os.path.lexists(top):
        return {}
    found: dict[str, Kind] = {"": _kind(top)}
    pending = [""] if found[""] == "folder" else []
    while pending:
        below = pending.pop()
        with os.scandir(f"{top}/{below}") as entries:
            for entry in entries:
                path = f"{below}/{entry.name}".lstrip("/")
                found[path] = _kind(entry.path)
                if found[path] == "folder" and (only is None or path in only):
                    pending.append(path)
    return found


def _kind(path: str) -> Kind:
    if os.path.islink(path):
        return "link"
    return "folder" if os.path.isdir(path) else "file"


def _execute(actions: tuple[Action, ...], facts: Facts) -> Condition | None:
    """Stops at the first action that fails: `new` is then still a real folder, and the next start continues."""
    ready = ready_link(facts.new)
    temporary = f"{ready}-again"
    try:
        for action in actions:
            _do(action, temporary)
    except OSError as error:
        return _refused(facts.old, facts.new, error)
    finally:
        with contextlib.suppress(OSError):
            for left in (ready, temporary):  # of this start, or of one that was killed
                _remove_link(left)
    return None


def _refused(old: str, new: str, error: OSError) -> Condition:
    return refused(old, new, error.errno, f"{error.filename or new}: {error.strerror}")


def _do(action: Action, temporary: str) -> None:
    """`temporary`: where a link that replaces another is made: not beside that, where a kill would leave it."""
    match action:
        case Move(source, target):
            _rename_without_replacing(source, target)
        case RemoveEmpty(path):
            os.rmdir(path)
        case Relink(path, target):
            _remove_link(temporary)
            os.symlink(target, temporary)
            os.rename(temporary, path)
        case Link(path, target):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if not (os.path.islink(path) and os.readlink(path) == target):
                os.symlink(target, path)


def _remove_link(path: str) -> None:
    if os.path.islink(path):
        os.unlink(path)


def _rename_without_replacing(source: str, target: str) -> None:
    """renameat2(2) with RENAME_NOREPLACE; file systems without it (EINVAL) are checked first."""
    call = ctypes.CDLL(None, use_errno=True).renameat2
    if call(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE) == 0:
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(number, os.strerror(number), source)
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    os.rename(source, target)
