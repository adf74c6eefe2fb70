"""A: the queue of a dead pod becomes this pod's: claimed by a rename, which one pod alone can win."""

from __future__ import annotations

import contextlib
import os
import time

from . import record
from .files import body_at, lines_of, open_file
from .journal import Journal
from .lease import ADOPTED, JOURNAL, LEASE, TAKEN, is_dead
from .record import Kept

#: Seconds after which the mark of an adopted journal is removed: its pod is gone.
_FORGET_S = 86_400.0
#: Seconds in which the lines of an adopted journal have to be on the disk.
_SYNC_S = 60.0


def others(journal: Journal) -> list[str]:
    """The owners of the other journals on the volume."""
    names = os.listdir(journal.folder)
    found = {name[: -len(JOURNAL)] for name in names if name.endswith(JOURNAL)}
    found |= {name.partition(".")[0] for name in names if name.endswith(TAKEN)}
    return sorted(found - {journal.owner})


def adopt(journal: Journal) -> tuple[list[Kept], list[str]]:
    """Adopt the journals of dead pods, and what this pod has claimed before it died.

    Returns:
        The prompts that are this pod's now, in their order, and the owners that seem to live.

    Raises:
        OSError: The volume refuses.
    """
    mine = [name for name in os.listdir(journal.folder) if name.startswith(f"{journal.owner}.") and _taken(name)]
    adopted = [prompt for name in sorted(mine) for prompt in _merge(journal, name)]
    alive = []
    for owner in others(journal):
        if not is_dead(journal.folder, owner):
            alive.append(owner)
            continue
        for name in sorted(os.listdir(journal.folder)):
            if name == owner + JOURNAL or (name.startswith(f"{owner}.") and _taken(name)):
                adopted += _claim(journal, name)
        with contextlib.suppress(OSError):
            os.unlink(f"{journal.folder}/{owner}{LEASE}")
    _forget_marks(journal)
    return adopted, alive


def _taken(name: str) -> bool:
    return name.endswith(TAKEN) and name.count(".") == 2


def _claim(journal: Journal, name: str) -> list[Kept]:
    first = name[: -len(JOURNAL)] if name.endswith(JOURNAL) else name.split(".")[1]
    claimed = f"{journal.owner}.{first}{TAKEN}"
    try:
        os.rename(f"{journal.folder}/{name}", f"{journal.folder}/{claimed}")
    except FileNotFoundError:
        return []  # another pod was quicker
    return _merge(journal, claimed)


def _merge(journal: Journal, name: str) -> list[Kept]:
    """Put the prompts of a claimed file into this journal, behind those that it has. Once they are on the disk, the
    file becomes the mark by which its pod, should it live, learns that its queue is gone."""
    path = f"{journal.folder}/{name}"
    moved: list[Kept] = []
    try:
        file = open_file(path)
    except FileNotFoundError:
        return []
    except OSError:
        os.rename(path, f"{journal.folder}/damaged-{os.urandom(4).hex()}")
        journal.state.damaged += 1
        return []
    with file:
        state = record.replay(lines_of(file.fileno()))
        record.settle(state, time.time())
        with journal.lock:
            journal.state.damaged += state.damaged
            known = set(journal.state.prompts)
            number = max((each.number for each in record.live(journal.state)), default=-1.0)
        for prompt in [each for each in state.prompts.values() if not each.is_live() and each.id not in known]:
            journal.add({"e": "end", "id": prompt.id, "how": prompt.how, "at": prompt.at})
        for prompt in [each for each in record.live(state) if each.id not in known]:
            number = prompt.number = max(number, 0.0) + 1
            body = body_at(file.fileno(), prompt)
            journal.add(record.header_of(prompt), body).result(_SYNC_S)
            moved.append(prompt)
    first = name.split(".")[1]
    os.truncate(path, 0)
    os.rename(path, f"{journal.folder}/{first}{ADOPTED}")
    return [journal.state.prompts[each.id] for each in moved if each.id in journal.state.prompts]


def _forget_marks(journal: Journal) -> None:
    for name in os.listdir(journal.folder):
        path = f"{journal.folder}/{name}"
        with contextlib.suppress(OSError):
            if name.endswith(ADOPTED) and time.time() - os.stat(path).st_mtime > _FORGET_S:
                os.unlink(path)
