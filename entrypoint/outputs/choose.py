"""P: what is done with a file, given what is at the destination under its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from entrypoint.outputs.names import suffixed

#: `there`: it has arrived; `send`: nothing is there; `resend`: an earlier attempt for this very file is there: its
#: beginning, or all of it with another hash (which some stores have: AWS KMS); `taken`: another file is there.
Look = Literal["there", "send", "resend", "taken"]


class Entry(NamedTuple):
    """A file as `rclone lsjson --hash` has it. `hashes`: algorithm -> hex; `time`: its mtime, as precise as it is."""

    size: int
    hashes: Mapping[str, str]
    time: str = ""


#: Characters of a time up to its seconds: 2026-11-26T06:00:00.
_SECONDS = 19
#: Returns the hash of a file's first bytes: (algorithm, count) -> hex; "" for an algorithm that is not known here.
PrefixHash = Callable[[str, int], str]


class Target(NamedTuple):
    """The name at the destination, and whether the file has to be sent there."""

    name: str
    look: Look


def is_same(ours: Entry, theirs: Entry) -> bool:
    """Whether both are the same file: by size and every hash that both have; without any, by size and mtime."""
    if ours.size != theirs.size:
        return False
    common = [name for name, text in theirs.hashes.items() if text and ours.hashes.get(name)]
    if common:
        return all(ours.hashes[name].lower() == theirs.hashes[name].lower() for name in common)
    return bool(ours.time) and ours.time[:_SECONDS] == theirs.time[:_SECONDS]


def look_at(ours: Entry, theirs: Entry | None, prefix_hash: PrefixHash) -> Look:
    """What is at the destination under one name."""
    if theirs is None:
        return "send"
    if is_same(ours, theirs):
        return "there"
    if theirs.size == ours.size and theirs.time == ours.time and "." in ours.time:
        return "resend"  # the nanosecond of the mtime, which rclone keeps, tells that it is this file
    if theirs.size < ours.size:
        for algorithm, text in theirs.hashes.items():
            if text and text.lower() == prefix_hash(algorithm, theirs.size):
                return "resend"  # nothing that is there is lost with it
    return "taken"


def choose(name: str, ours: Entry, there: Mapping[str, Entry], prefix_hash: PrefixHash) -> Target | None:
    """Where the file goes; None: its own name and the suffixed one are both taken, which no other file can do but one
    with the same first eight digits of its SHA-256.

    Args:
        name: The file's own name.
        ours: The file.
        there: What the destination has under its own and its suffixed name.
        prefix_hash: See `PrefixHash`.
    """
    for target in (name, suffixed(name, ours.hashes.get("sha256", ""))):
        look = look_at(ours, there.get(target), prefix_hash)
        if look != "taken":
            return Target(target, look)
    return None
