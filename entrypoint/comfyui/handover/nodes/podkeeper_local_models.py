"""A: has ComfyUI read a model from the container's own disk where that has the volume's very file (MODELS_CACHE=local).

Loaded as a custom node without nodes. ComfyUI takes the first folder that has a name, which is the volume's: nodes also
save into that one, so it has to stay the first. Size and modification time say that both files are one; the copy to the
volume sets them so (entrypoint/models/write_behind.py). This module runs in ComfyUI's Python environment and can import
nothing of podkeeper's.
"""

from __future__ import annotations

import os
from typing import Any

import folder_paths  # type: ignore[import-not-found] # ComfyUI's own

#: ComfyUI requires this name in a custom node.
NODE_CLASS_MAPPINGS: dict[str, Any] = {}

_MODELS = os.path.normpath(os.environ.get("PODKEEPER_DATA_PATH", "")) + "/models/"
_CACHE = os.environ.get("PODKEEPER_MODELS_CACHE_PATH", "")
_find = folder_paths.get_full_path


def get_full_path(*arguments: Any, **named: Any) -> Any:
    """ComfyUI's path of a model, or that of the same file on the local disk."""
    found = _find(*arguments, **named)
    return local_copy(found) or found if isinstance(found, str) else found


def local_copy(path: str) -> str:
    """The same file on the local disk, or ""."""
    path = os.path.normpath(path)
    if not path.startswith(_MODELS):
        return ""
    copy = f"{_CACHE}/models/{path[len(_MODELS) :]}"
    try:
        one, other = os.stat(path), os.stat(copy)
    except OSError:
        return ""
    same = (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)
    return copy if same else ""


if _CACHE:
    folder_paths.get_full_path = get_full_path
