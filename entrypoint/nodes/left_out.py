"""A: before a start of ComfyUI: which custom nodes it starts without, and why."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import NamedTuple

from entrypoint.conditions.condition import Condition
from entrypoint.nodes.blame import End, LeftOut, arguments_without, judged, last_fault
from entrypoint.nodes.folders import entries, stamp
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_list, read_table, read_text, write_json

RUNNER = os.path.dirname(os.path.abspath(__file__)) + "/runner.py"


class Prepared(NamedTuple):
    """`arguments`: more arguments for ComfyUI; `conditions`: the nodes that are left out."""

    arguments: list[str]
    conditions: list[Condition]


def marker(paths: Paths) -> str:
    """The file in which the runner notes which node is being loaded."""
    return f"{paths.reports}/comfyui-node"


def prepare(paths: Paths, folders: Sequence[str], given: Sequence[str], around: str, *, forgive: bool) -> Prepared:
    """Decide about the nodes after the last start.

    Args:
        paths: The pod's.
        folders: The folders of custom nodes that ComfyUI reads.
        given: The user's own arguments.
        around: What the nodes run in: packages and ComfyUI; where it changes, nodes that are left out are tried again.
        forgive: Whether something else was changed that may have been the cause: the packages were taken back.
    """
    found = entries(folders)
    stamps = {name: stamp(path, around) for name, path in found.items()}
    ends = [] if forgive else _ends(paths)
    _write(f"{paths.reports}/node-ends.json", {"ends": [asdict(end) for end in ends], "handled": time.time()})
    before = read_left_out(paths)
    now = judged(ends, before, stamps)
    if now != before:
        write_left_out(paths, now)
    arguments = arguments_without(now, tuple(found), given)
    return Prepared(arguments, _conditions(now) if arguments else [])


def _ends(paths: Paths) -> list[End]:
    """The starts that ended while a node was being loaded, since ComfyUI last responded."""
    known = read_table(f"{paths.reports}/node-ends.json")
    handled = known.get("handled")
    ends = [end for each in _list(known.get("ends")) if (end := _end(each))]
    node = (read_text(marker(paths)) or "").strip(" \0\n")
    if not node:
        return []  # it was responding, or no node was being loaded
    since = handled if isinstance(handled, int | float) else 0.0
    fault = last_fault(read_list(f"{paths.runtime}/restarts.json", "restarts"), since)
    if fault is None:
        return ends
    return [*ends, End(node, fault["time"], str(fault.get("kind")), str(fault.get("reason")))]


def _end(each: object) -> End | None:
    if not isinstance(each, dict) or not isinstance(each.get("at"), int | float):
        return None
    return End(str(each.get("node")), each["at"], str(each.get("kind")), str(each.get("reason")))


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []


def read_left_out(paths: Paths) -> dict[str, LeftOut]:
    """The nodes that are left out, as the volume keeps them; what cannot be used is ignored."""
    found = read_table(left_out_file(paths)).get("left_out")
    if not isinstance(found, dict):
        return {}
    return {
        name: LeftOut(str(each.get("reason")), str(each.get("stamp")))
        for name, each in found.items()
        if isinstance(each, dict)
    }


def write_left_out(paths: Paths, nodes: dict[str, LeftOut]) -> None:
    """Keep them on the volume, as far as it can be written."""
    _write(left_out_file(paths), {"left_out": {name: asdict(each) for name, each in nodes.items()}})


def _write(path: str, content: object) -> None:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_json(path, content)
    except OSError as error:  # the node is left out in this start; the next one finds out again
        print(f"comfyui: cannot write {path}: {error.strerror}", flush=True)


def left_out_file(paths: Paths) -> str:
    """The file on the volume with the nodes that are left out."""
    return f"{paths.models_state}/nodes.json"


def _conditions(nodes: dict[str, LeftOut]) -> list[Condition]:
    reason = "; ".join(f"ComfyUI starts without the custom node {name}: {each.reason}" for name, each in nodes.items())
    names = " ".join(sorted(nodes))
    remedy = f"update or remove it; it is tried again when it changes, or with: podkeeper nodes try {names}"
    return [Condition("NodeLeftOut", reason, remedy)]
