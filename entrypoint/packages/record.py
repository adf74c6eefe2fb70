"""P: the record of packages: which are installed, since when, and how two pods' records become one.

A record is a map from name to entry in which the later entry wins, a removal included: each pod on a volume writes a
file of its own, and every pod gets the same record from all of them, in whatever order it reads them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace

#: Version of the file; a later one may have more keys.
SCHEMA = 1
#: Seconds by which a change is later than what it changes, also where the clock went back.
_TICK = 0.001


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One package.

    Attributes:
        at: When it was found like this, in seconds since 1970.
        archive: File name of its archive in the store; "": it was removed.
        name: Normalised name (PEP 503).
        version: As pip prints it.
        asked: Whether the user, a node or Manager asked for it by name (pip's REQUESTED), not as a dependency.
    """

    at: float
    archive: str
    name: str
    version: str
    asked: bool = False


Record = Mapping[str, Entry]


def parse(text: str | bytes | None) -> dict[str, Entry]:
    """The record in a file's text; what cannot be used is left out: a volume may hold anything."""
    try:
        content = json.loads(text or "{}")
        found = content["packages"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    record = {}
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict) and (entry := _entry(each)):
            record[entry.name] = entry
    return record


def _entry(each: dict[str, object]) -> Entry | None:
    at, archive, name, version = (each.get(key) for key in ("at", "archive", "name", "version"))
    if not (isinstance(at, int | float) and isinstance(archive, str) and isinstance(name, str) and name):
        return None
    if not isinstance(version, str) or "/" in archive or archive.startswith("."):
        return None
    try:
        return Entry(float(at), archive, name, version, each.get("asked") is True)
    except OverflowError:
        return None


def text_of(record: Record) -> str:
    """The text of a record's file."""
    entries = [asdict(record[name]) for name in sorted(record)]
    return json.dumps({"schema": SCHEMA, "packages": entries}, indent=1) + "\n"


def merged(records: Iterable[Record]) -> dict[str, Entry]:
    """One record of several: the later entry of each name."""
    result: dict[str, Entry] = {}
    for record in records:
        for name, entry in record.items():
            if name not in result or entry > result[name]:
                result[name] = entry
    return result


def dominated(record: Record, by: Record) -> bool:
    """Whether `by` has everything that `record` says."""
    return all(name in by and by[name] >= entry for name, entry in record.items())


def installed(record: Record) -> dict[str, Entry]:
    """The packages that are installed: without the removals."""
    return {name: entry for name, entry in record.items() if entry.archive}


def updated(record: Record, found: Mapping[str, Entry], had: Collection[str], at: float) -> dict[str, Entry]:
    """The record after `found`, all that is installed now: with new entries, and removals.

    An entry whose archive and mark are unchanged keeps its time: it says nothing new to another pod. Only a package
    that this overlay `had` can have been removed from it: another pod's, and one that could not be restored, stay.
    """
    result = dict(record)
    for name, entry in found.items():
        before = record.get(name)
        if before is None:
            result[name] = entry
        elif (before.archive, before.asked) != (entry.archive, entry.asked):
            result[name] = replace(entry, at=max(entry.at, before.at + _TICK))
    for name, entry in installed(record).items():
        if name not in found and name in had:
            result[name] = Entry(max(at, entry.at + _TICK), "", name, entry.version)
    return result


def set_id(record: Record) -> str:
    """A short name of a set of packages: equal where the same archives are installed."""
    archives = sorted(entry.archive for entry in installed(record).values())
    return hashlib.sha256("\n".join(archives).encode()).hexdigest()[:12]


def difference(before: Record, after: Record) -> str:
    """What changed from one set to the other, for people: `+new 1.0, numpy 2.1 -> 1.26, -old 3.0`; "" for nothing."""
    old, new = installed(before), installed(after)
    changes = []
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            changes.append(f"+{name} {new[name].version}")
        elif name not in new:
            changes.append(f"-{name} {old[name].version}")
        elif old[name].version != new[name].version:
            changes.append(f"{name} {old[name].version} -> {new[name].version}")
        elif old[name].archive != new[name].archive:
            changes.append(f"{name} {new[name].version} (installed anew)")
    return ", ".join(changes)
