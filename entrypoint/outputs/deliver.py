"""A: delivers one batch of files: opens them, finds their names at the destination, copies, and reads back."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from entrypoint.outputs.choose import Entry, Target, choose, is_same
from entrypoint.outputs.names import Found, suffixed, why_not_sendable
from entrypoint.outputs.problems import CHANGED, DIFFERENT, UNREADABLE, Problem, problem_of
from entrypoint.outputs.rclone import HASHES, Rclone, RcloneFailed
from entrypoint.system.files import open_regular, remove

_PIECE = 1 << 20


class Arrived(NamedTuple):
    """A delivered file. `name`: its name there; `sha256`: of the file here; `hashes`: what the destination has."""

    name: str
    sha256: str
    hashes: Mapping[str, str]


@dataclass(slots=True)
class Delivered:
    """What became of a batch. `arrived`: name -> the file there; `failed`: name -> why."""

    arrived: dict[str, Arrived] = field(default_factory=dict)
    failed: dict[str, Problem] = field(default_factory=dict)


def deliver(rclone: Rclone, folder: str, stage: str, batch: Mapping[str, Found]) -> Delivered:
    """Deliver the files; a failure of rclone as a whole is every file's.

    Args:
        rclone: rclone for the destination.
        folder: The output folder.
        stage: A folder of this program's own, made anew: links by the names that the files get.
        batch: Name -> the file as the last look found it.
    """
    result = Delivered()
    with contextlib.ExitStack() as stack:
        opened: dict[str, int] = {}
        for name, found in batch.items():
            try:
                opened[name] = _open(stack, folder, name, found, result)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR):  # it was removed: nothing is left to deliver
                    result.failed[name] = UNREADABLE
        opened = {name: descriptor for name, descriptor in opened.items() if descriptor >= 0}
        try:
            if opened:
                _deliver(rclone, stage, opened, result)
        except RcloneFailed as error:
            for name in opened:
                if name not in result.arrived:
                    result.failed.setdefault(name, error.problem)
        for name in [name for name in result.arrived if _stat(opened[name]) != batch[name]]:
            del result.arrived[name]  # it was written to meanwhile
            result.failed[name] = CHANGED
    return result


def _open(stack: contextlib.ExitStack, folder: str, name: str, found: Found, result: Delivered) -> int:
    if problem := why_not_sendable(name):
        result.failed[name] = Problem(problem, "rename it")
        return -1
    file = stack.enter_context(open_regular(f"{folder}/{name}"))
    if _stat(file.fileno()) != found:
        result.failed[name] = CHANGED
        return -1
    return file.fileno()


def _stat(descriptor: int) -> Found:
    found = os.fstat(descriptor)
    return Found(found.st_size, found.st_mtime_ns)


def _deliver(rclone: Rclone, stage: str, opened: Mapping[str, int], result: Delivered) -> None:
    descriptors = tuple(opened.values())
    _link(stage, opened)
    here = rclone.list_here(stage, opened, descriptors)
    result.failed |= {name: UNREADABLE for name in opened if name not in here}
    there = rclone.list_there(here)
    if taken := [name for name, entry in here.items() if name in there and not is_same(entry, there[name])]:
        there |= rclone.list_there(suffixed(name, here[name].hashes.get("sha256", "")) for name in taken)
    targets: dict[str, Target] = {}
    for name, entry in here.items():
        target = choose(name, entry, there, functools.partial(_prefix_hash, opened[name]))
        if target:
            targets[name] = target
        else:
            result.failed[name] = Problem(f"another file has the name {name} there", "rename it")
    errors: dict[str, str] = {}
    _link(stage, {target.name: opened[name] for name, target in targets.items()})
    for look, over in (("send", False), ("resend", True)):
        if names := [target.name for target in targets.values() if target.look == look]:
            errors |= rclone.copy(stage, names, descriptors, over=over)
    if sent := {target.name for target in targets.values() if target.look != "there"}:
        there = {name: entry for name, entry in there.items() if name not in sent} | rclone.list_there(sent)
    _sort(here, targets, there, errors, result)


def _sort(
    here: Mapping[str, Entry], targets: Mapping[str, Target], there: Mapping[str, Entry],
    errors: Mapping[str, str], result: Delivered,
) -> None:  # fmt: skip
    for name, target in targets.items():
        arrived = there.get(target.name)
        if arrived and is_same(here[name], arrived):
            result.arrived[name] = Arrived(target.name, here[name].hashes.get("sha256", ""), arrived.hashes)
        elif arrived and target.name not in errors:
            result.failed[name] = DIFFERENT
        else:
            result.failed[name] = problem_of(errors.get(target.name) or errors.get("", ""))


def _link(stage: str, descriptors: Mapping[str, int]) -> None:
    """Make the folder anew, with a link for each descriptor: what was opened is what is read, whatever is put in its
    place. rclone inherits the descriptors under the same numbers."""
    remove(stage)
    os.mkdir(stage, 0o700)
    for name, descriptor in descriptors.items():
        path = f"{stage}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(f"/proc/self/fd/{descriptor}", path)


def _prefix_hash(descriptor: int, algorithm: str, count: int) -> str:
    if algorithm not in HASHES or algorithm not in hashlib.algorithms_available:
        return ""
    digest, offset = hashlib.new(algorithm), 0
    while offset < count and (piece := os.pread(descriptor, min(_PIECE, count - offset), offset)):
        digest.update(piece)
        offset += len(piece)
    return digest.hexdigest()
