"""A: where a file without an address may be from: the catalogue, and the workflow templates beside ComfyUI.

Candidates are shown, and never taken by themselves: a file of the same name may be another one.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
from collections.abc import Collection, Iterator

from entrypoint.comfyui.installation import present
from entrypoint.conditions.condition import CannotDo
from entrypoint.models.catalogue.builtin import catalogue
from entrypoint.models.sources.registry import configured, source_of
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_bytes
from entrypoint.workflows.document import LARGEST, NotAWorkflow, parse
from entrypoint.workflows.needed import needed_models

_TEMPLATES = "comfyui_workflow_templates_json/templates"
#: ComfyUI-Manager's list: address -> [[classes], facts].
_CLASSES, _LARGEST = "comfyui_manager/extension-node-map.json", 16 << 20
_MOST = 3


def candidates(settings: Settings, names: Collection[str]) -> dict[str, list[str]]:
    """Name -> `address (where it stands)` of files whose name is the same, without their folders."""
    bases = {name.rpartition("/")[2]: name for name in names}
    found: dict[str, list[str]] = {}
    for base, address, where in (*_of_catalogue(settings), *_of_templates(settings)):
        lines = found.setdefault(bases.get(base, ""), [])
        if len(lines) < _MOST and not any(line.startswith(address + " ") for line in lines):
            lines.append(f"{address} ({where})")
    return {name: lines for name, lines in found.items() if name}


def node_candidates(settings: Settings, kinds: set[str]) -> dict[str, list[str]]:
    """Class -> repositories that have one of this name, by the list that ComfyUI-Manager brings."""
    found: dict[str, list[str]] = {}
    with contextlib.suppress(OSError, ValueError, RecursionError):
        for path in _beside(settings, _CLASSES):
            content = json.loads(read_bytes(path, _LARGEST))
            for address, facts in content.items() if isinstance(content, dict) else ():
                classes = facts[0] if isinstance(facts, list) and facts and isinstance(facts[0], list) else []
                for kind in kinds.intersection(each for each in classes if isinstance(each, str)):
                    found.setdefault(kind, []).append(f"podkeeper nodes install {address}")
    return {kind: lines[:_MOST] for kind, lines in found.items()}


def _beside(settings: Settings, below: str) -> list[str]:
    """Files of the packages in ComfyUI's environment; none where ComfyUI is missing."""
    try:
        environment = glob.escape(os.path.dirname(os.path.dirname(present(settings).python)))
    except CannotDo:
        return []
    return sorted(glob.glob(f"{environment}/lib/python3*/site-packages/{below}"))


def _of_catalogue(settings: Settings) -> Iterator[tuple[str, str, str]]:
    sources = configured(settings)
    for bundle in catalogue().bundles:
        for file in bundle.files:
            where = f"the bundle {bundle.name} of the catalogue"
            yield file.dest.rpartition("/")[2], source_of(file, sources).address(file), where


def _of_templates(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Files of the templates that the package beside ComfyUI has."""
    for path in _beside(settings, f"{_TEMPLATES}/*.json"):
        with contextlib.suppress(OSError, NotAWorkflow):
            for model in needed_models(parse(read_bytes(path, LARGEST))):
                if model.url:
                    yield model.name.rpartition("/")[2], model.url, f"the template {os.path.basename(path)[:-5]}"
