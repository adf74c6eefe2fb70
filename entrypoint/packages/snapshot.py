"""A: keeps what is installed in the overlay: each package that has no archive yet gets one.

The first run with 162 packages takes 32 s, one for a new package 0.9 s, one for nothing new 0.1-0.3 s: so it runs while
the pod runs, not when the pod is stopped, which leaves 10 s.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection
from typing import NamedTuple

from entrypoint.packages.distributions import Distribution, added, editable_files, recorded_files
from entrypoint.packages.overlay import Overlay, mend_stand_ins
from entrypoint.packages.record import Entry, Record, updated
from entrypoint.packages.store import CannotKeep, Store


class Snapshot(NamedTuple):
    """What is installed now.

    Attributes:
        record: The new record.
        written: Names of the packages that got an archive.
        failed: Package -> why it could not be kept.
    """

    record: dict[str, Entry]
    written: tuple[str, ...]
    failed: dict[str, str]


def take(overlay: Overlay, store: Store, before: Record, had: Collection[str]) -> Snapshot:
    """Keep every package of the overlay, and return the record that follows `before` (see `record.updated`)."""
    mend_stand_ins(overlay)
    site, now = overlay.site, time.time()
    found: dict[str, Entry] = {}
    claimed: set[str] = set()
    written, failed = [], {}
    for name, each in sorted(added(site).items()):
        names = _files(overlay, site, each, claimed)
        if names is None:
            if name in before and before[name].archive:
                found[name] = before[name]  # it is being installed anew
            continue
        archive = f"{name}-{each.version}-{_digest(overlay.folder, names)}.tar.zst"
        asked = os.path.exists(f"{site}/{each.info}/REQUESTED")
        entry = Entry(now, archive, name, each.version, asked)
        if not store.has(archive):
            try:
                store.keep(archive, overlay.folder, _with_compiled(overlay.folder, site, names, claimed))
            except CannotKeep as error:
                failed[name] = str(error)
                if name in before:
                    found[name] = before[name]
                continue
            written.append(name)
        found[name] = entry
    return Snapshot(updated(before, found, had, now), tuple(written), failed)


def _files(overlay: Overlay, site: str, each: Distribution, claimed: set[str]) -> list[str] | None:
    """The package's files relative to the overlay, and claims them; None where it has no RECORD.

    A file that several packages bring (three opencv wheels share cv2/) goes with the first of them, as it is on the
    disk now: unpacked in parallel they would race, and the last one installed has won already.
    """
    recorded = recorded_files(site, each.info)
    if recorded is None:
        return None
    names = []
    for name in recorded:
        below = os.path.relpath(os.path.normpath(os.path.join(site, name)), overlay.folder)
        if not below.startswith("..") and "__pycache__" not in below and below not in claimed:
            names.append(below)
    names += editable_files(site, each.info, overlay.folder)
    claimed.update(names)
    return [name for name in names if os.path.lexists(f"{overlay.folder}/{name}")]


def _digest(top: str, names: list[str]) -> str:
    """Names the content by each file's size and time, which pip and uv set anew; reading 2.5 GB takes too long."""
    lines = []
    for name in names:
        try:
            found = os.lstat(f"{top}/{name}")
        except OSError:
            continue
        lines.append(f"{name} {found.st_size} {found.st_mtime_ns // 1_000_000_000}\n")
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]


def _with_compiled(top: str, site: str, names: list[str], claimed: set[str]) -> list[str]:
    """The files and their compiled modules, which spare the next start the compiling."""
    more = []
    for folder in sorted({os.path.dirname(name) for name in names if name.endswith(".py")}):
        cache = f"{folder}/__pycache__"
        if not os.path.isdir(f"{top}/{cache}"):
            continue
        found = os.listdir(f"{top}/{cache}")
        if f"{top}/{folder}" == site:  # the modules at the top are of many packages
            own = {os.path.basename(name)[:-3] for name in names if os.path.dirname(name) == folder}
            found = [each for each in found if each.partition(".")[0] in own]
        more += [name for name in (f"{cache}/{each}" for each in found) if name not in claimed]
    claimed.update(more)
    return names + more
