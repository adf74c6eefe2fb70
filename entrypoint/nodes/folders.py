"""A: what is in the folders of custom nodes: the entries that ComfyUI would load, and what tells one version of a node
from another."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Sequence

from entrypoint.nodes.origin import head_of

_OFF = ".disabled"
_INSTALLING = ".installing-"
#: Seconds after which a part is a leftover; a clone and its packages have 45 min.
_PART_S = 3600


def entries(folders: Sequence[str]) -> dict[str, str]:
    """Name -> path of every entry that ComfyUI loads (nodes.py: `init_external_custom_nodes`), without hidden
    ones, which are no nodes (`.ipynb_checkpoints`)."""
    found: dict[str, str] = {}
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            path = f"{folder}/{name}"
            if name == "__pycache__" or name.endswith(".disabled") or name.startswith("."):
                continue
            if os.path.isdir(path) or _is_module(path):
                found.setdefault(name, path)
    return found


def known_names(folder: str) -> set[str]:
    """The names of the nodes in a folder, also of those that are off, in small letters: the registry's names are such.

    ComfyUI-Manager moves what it disables to `.disabled/NAME@VERSION`.
    """
    found: set[str] = set()
    for each in (folder, f"{folder}/{_OFF}"):
        try:
            names = os.listdir(each)
        except OSError:
            continue
        found.update(name.removesuffix(_OFF).removesuffix(".py").partition("@")[0].lower() for name in names)
    return found - {""}


def part_of(path: str) -> str:
    """A name beside a node's for what is being installed: a start of ComfyUI meanwhile skips it, by its ending."""
    return f"{path}{_INSTALLING}{os.urandom(4).hex()}.disabled"


def name_of(path: str) -> str:
    """The node's name, also where it is being installed."""
    return os.path.basename(path).partition(_INSTALLING)[0]


def is_part(name: str) -> bool:
    """Whether it is such a name."""
    return _INSTALLING in name


def remove_parts(folder: str) -> None:
    """Remove what killed installations have left: an hour old, so that none that still runs loses its files."""
    for name in _listed(folder):
        with contextlib.suppress(OSError):
            if is_part(name) and time.time() - os.lstat(f"{folder}/{name}").st_mtime > _PART_S:
                shutil.rmtree(f"{folder}/{name}", ignore_errors=True)


def _is_module(path: str) -> bool:
    return path.endswith(".py") and os.path.isfile(path)


def stamp(path: str, around: str) -> str:
    """What the node is like: it changes with its commit, its own files and what is `around` it (packages, ComfyUI)."""
    lines = [around, head_of(path)]
    names = [""] if os.path.isfile(path) else sorted(n for n in _listed(path) if n.endswith((".py", ".txt", ".toml")))
    for name in names:
        try:
            found = os.stat(os.path.join(path, name))
            lines.append(f"{name} {found.st_size} {found.st_mtime_ns}")
        except OSError:
            lines.append(name)
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]


def _listed(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []
