"""P: a file of the manifest: where it comes from, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of the manifest.

    Attributes:
        bundle: Its bundle.
        source: The `name` of its source.
        dest: Path below the folder that `dest_root` names.
        dest_root: `models` (ComfyUI's models folder) or `comfyui` (its data folder).
        keys: The source's own keys: where the file is at that site.
        sha256: Lower-case hex, or "" where only the site knows.
        size: Bytes, or None.
    """

    bundle: str
    source: str
    dest: str
    dest_root: str = "models"
    keys: Mapping[str, str] = field(default_factory=dict, hash=False)
    sha256: str = ""
    size: int | None = None
