"""A: what is installed: models on the disk, custom nodes, and the classes that ComfyUI knows."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from entrypoint.comfyui.installation import present
from entrypoint.comfyui.model_paths import extra_model_folders
from entrypoint.conditions.condition import CannotDo
from entrypoint.nodes.inventory import Node, inventory
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_bytes
from entrypoint.workflows.folders import ALIASES
from entrypoint.workflows.object_info import classes_of, request

#: A class in ComfyUI's code: `node_id="KSampler"`, NODE_ID or NodeId of the new kind, a line of NODE_CLASS_MAPPINGS
#: of the old. Other names of this shape are found, too: they do no harm.
_NEW_CLASS = re.compile(r"""(?:node_id|NODE_ID|NodeId) ?= ?["']([^"'\n]{1,100})["']""")
_OLD_CLASS = re.compile(r"""["']([^"']{1,100})["'] ?: ?[A-Za-z_]\w*,?""")
_LARGEST_CODE = 4 << 20


@dataclass(frozen=True, slots=True)
class Installed:
    """The pod's side.

    `models`: ComfyUI's models folder; `extra`: model folder -> further ones; `nodes`: the custom nodes; `classes`:
    every class that the running ComfyUI has, None where it does not respond; `core`: those of ComfyUI's own code.
    """

    models: str
    extra: Mapping[str, list[str]]
    nodes: list[Node]
    classes: frozenset[str] | None
    core: frozenset[str]

    def find(self, directory: str, name: str) -> str:
        """Where a model file is, or "". `directory` "": in any folder."""
        top, _, rest = directory.partition("/")
        tops = [top] if top else _folders(self.models)
        for each in tops:
            places = [f"{self.models}/{alias}" for alias in ALIASES.get(each, (each,))]
            extra = [folder for alias in ALIASES.get(each, (each,)) for folder in self.extra.get(alias, ())]
            for place in (*places, *extra):
                path = f"{place}/{rest}/{name}" if rest else f"{place}/{name}"
                if _size(path):
                    return path
        return ""


def look(settings: Settings, paths: Paths) -> Installed:
    """Look at the disk, and ask ComfyUI."""
    extra: dict[str, list[str]] = {}
    core: frozenset[str] = frozenset()
    try:
        source = present(settings)
        core = core_classes(source.folder)
        extra = extra_model_folders(paths, source)
    except (CannotDo, OSError, ValueError):  # without ComfyUI, or its file changed meanwhile: what there is counts
        pass
    classes = None
    if settings.comfyui_enabled:
        body = request(service_named("comfyui").port(settings))
        classes = classes_of(body) if body else None
    return Installed(f"{paths.data}/models", extra, inventory(paths), classes, core)


def core_classes(folder: str) -> frozenset[str]:
    """The classes of ComfyUI's own code, read without running it."""
    found: set[str] = set()
    files = [f"{folder}/nodes.py"]
    for below in ("comfy_extras", "comfy_api_nodes"):
        files += [f"{folder}/{below}/{name}" for name in _names(f"{folder}/{below}") if name.endswith(".py")]
    for path in files:
        try:
            code = read_bytes(path, _LARGEST_CODE).decode(errors="replace")
        except OSError:
            continue
        found.update(_NEW_CLASS.findall(code))
        lines = (each.partition("#")[0].strip() for each in code.splitlines())
        found.update(line[1] for each in lines if (line := _OLD_CLASS.fullmatch(each)))
    return frozenset(found)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size if os.path.isfile(path) else 0
    except (OSError, ValueError):
        return 0


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _folders(folder: str) -> list[str]:
    return [name for name in _names(folder) if os.path.isdir(f"{folder}/{name}")]
