"""A: what is known of this overlay, in a file of its own: it is gone with the overlay, and is about no other one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace

from entrypoint.packages.distributions import added, distributions, recorded_files
from entrypoint.packages.overlay import IMAGE_PTH, Overlay
from entrypoint.system.files import read_table, write_json

_NAME = "podkeeper-state.json"


@dataclass(frozen=True, slots=True)
class LocalState:
    """Fingerprints of sets of packages, and names.

    Attributes:
        had: Names of the packages that have been in this overlay.
        kept: The set that is on the volume.
        good: The set with which ComfyUI has responded.
        tried: The set that passed the trial import.
        listing: What the packages of `kept` have in the folder of packages: an installation that was interrupted leaves
            more, or less.
    """

    had: tuple[str, ...] = ()
    kept: str = ""
    good: str = ""
    tried: str = ""
    listing: str = ""


def read_state(overlay: Overlay) -> LocalState:
    """The state; an empty one where there is none."""
    found = read_table(f"{overlay.folder}/{_NAME}")
    had = found.get("had")
    names = tuple(name for name in had if isinstance(name, str)) if isinstance(had, list) else ()
    return LocalState(names, *(str(found.get(key, "")) for key in ("kept", "good", "tried", "listing")))


def write_state(overlay: Overlay, **changes: object) -> LocalState:
    """Change some fields. Raises OSError: the disk refuses."""
    state = replace(read_state(overlay), **changes)  # type: ignore[arg-type] # the callers name fields
    write_json(f"{overlay.folder}/{_NAME}", asdict(state))
    return state


def fingerprint(overlay: Overlay) -> str:
    """Names what is installed over the image's packages; as cheap as a look at each RECORD."""
    site, lines = overlay.site, []
    for each in added(site).values():
        try:
            lines.append(f"{each.info} {os.stat(f'{site}/{each.info}/RECORD').st_mtime_ns // 1_000_000_000}")
        except OSError:
            lines.append(each.info)
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:12]


def listing(overlay: Overlay, strays: Collection[str] = ()) -> str:
    """Names what is in the folder of packages, without `strays`."""
    names = sorted(name for name in os.listdir(overlay.site) if name != "__pycache__" and name not in strays)
    return hashlib.sha256("\n".join(names).encode(errors="surrogateescape")).hexdigest()[:12]


def strays(overlay: Overlay) -> frozenset[str]:
    """The names in the folder of packages that no package has.

    An installation was interrupted, or a program has written there by itself. It reads every RECORD: 0.1 s for 150.
    """
    site, known = overlay.site, {IMAGE_PTH, "__pycache__"}
    for each in distributions(site).values():
        if (names := recorded_files(site, each.info)) is not None:
            known.add(each.info)
            known.update(name.partition("/")[0] for name in names)
    return frozenset(os.listdir(site)) - known


def is_interrupted(overlay: Overlay) -> bool:
    """Whether an installation was begun and not ended, as far as the folder of packages shows.

    It reads RECORDs only where something has changed since the packages were kept: it is on the way of every start.
    """
    state = read_state(overlay)
    if state.kept == fingerprint(overlay):
        return state.listing != listing(overlay)
    return bool(strays(overlay))
