"""A: what is known of this overlay, in a file of its own: it is gone with the overlay, and is about no other one."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass, replace

from entrypoint.packages.distributions import added
from entrypoint.packages.overlay import Overlay
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
    """

    had: tuple[str, ...] = ()
    kept: str = ""
    good: str = ""
    tried: str = ""


def read_state(overlay: Overlay) -> LocalState:
    """The state; an empty one where there is none."""
    found = read_table(f"{overlay.folder}/{_NAME}")
    had = found.get("had")
    names = tuple(name for name in had if isinstance(name, str)) if isinstance(had, list) else ()
    return LocalState(names, *(str(found.get(key, "")) for key in ("kept", "good", "tried")))


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


def is_good(overlay: Overlay) -> bool:
    """Whether ComfyUI has responded with what is installed now."""
    return read_state(overlay).good == fingerprint(overlay)
