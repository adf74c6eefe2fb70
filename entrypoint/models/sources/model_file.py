"""P: a file of the manifest: where it comes from, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of the manifest."""

    bundle: str
    source: str  # the `name` of its source
    dest: str  # path below the folder that `dest_root` names
    dest_root: str = "models"  # `models` (ComfyUI's models folder) or `comfyui` (its data folder)
    # the source's own keys: where the file is at that site
    keys: Mapping[str, str] = field(default_factory=dict, hash=False)
    sha256: str = ""  # lower-case hex, or "" where only the site knows
    size: int | None = None  # bytes, or None
