"""A: before a start of ComfyUI: which custom nodes it starts without, and why."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

from entrypoint.conditions.condition import Condition
from entrypoint.nodes.bisect import Search, after_response
from entrypoint.nodes.blame import (
    FIRST_USE_S,
    LastStart,
    LeftOut,
    State,
    after_search,
    arguments_without,
    judged,
    last_fault,
)
from entrypoint.nodes.folders import entries, stamp
from entrypoint.nodes.import_log import crashing_node, import_report
from entrypoint.nodes.search_state import read_state, write_state
from entrypoint.settings.paths import Paths
from entrypoint.supervision.kill_notes import note_trial
from entrypoint.system.files import last_lines, read_list, read_table, read_text, write_json

RUNNER = os.path.dirname(os.path.abspath(__file__)) + "/runner.py"
#: Bytes at the end of ComfyUI's log: the report of a start with 30 nodes, and faulthandler's of 100 threads.
_TAIL = 1 << 20


class Prepared(NamedTuple):
    """`arguments`: more arguments for ComfyUI; `conditions`: the nodes that are left out."""

    arguments: list[str]
    conditions: list[Condition]


def marker(paths: Paths) -> str:
    """The file in which the runner notes which node is being loaded."""
    return f"{paths.reports}/comfyui-node"


def uses_file(paths: Paths) -> str:
    """The file in which handover/nodes/podkeeper.py notes when each node was first used."""
    return f"{paths.reports}/comfyui-uses.json"


def prepare(
    paths: Paths, folders: Sequence[str], given: Sequence[str], around: str, *, served: bool, explained: bool
) -> Prepared:
    """Decide about the nodes after the last start.

    Args:
        paths: The pod's.
        folders: The folders of custom nodes that ComfyUI reads; the first is the user's.
        given: The user's own arguments.
        around: What the nodes run in: packages and ComfyUI; where it changes, nodes that are left out are tried again.
        served: Whether ComfyUI had responded at its last start.
        explained: Whether something else explains its end.
    """
    found, users = entries(folders), tuple(entries(folders[:1]))
    stamps = {name: stamp(path, around) for name, path in found.items()}
    state, handled = read_state(paths)
    before = read_left_out(paths)
    state, now = judged(state, _last_start(paths, handled, stamps, served, explained), before, stamps, users)
    _write(_stamps_file(paths), stamps)
    _note(paths, state, before, now)
    _write(uses_file(paths), {})
    out = (*now, *(state.search.out if state.search else ()))
    arguments = arguments_without(out, tuple(found), given)
    return Prepared(arguments, left_out_conditions(now, state.search) if arguments else [])


def _last_start(paths: Paths, handled: float, names: Collection[str], served: bool, explained: bool) -> LastStart:
    fault = last_fault(read_list(f"{paths.runtime}/restarts.json", "restarts"), handled)
    if fault is None or explained:
        return LastStart(None, served=served, explained=explained)
    node = (read_text(marker(paths)) or "").strip(" \0\n")
    lines = last_lines(f"{paths.log}/comfyui.log", _TAIL)
    report = import_report(lines)
    if node and not report.loaded and not report.failed:  # the table comes once all nodes are loaded
        return LastStart(fault, loading=node)
    # ComfyUI's module of a single file is without `.py`.
    uses = {name if name in names else f"{name}.py": at for name, at in read_table(uses_file(paths)).items()}
    return LastStart(fault, used=_used(uses, crashing_node(lines), fault), served=served)


def _used(uses: Mapping[str, object], crashing: str, fault: Mapping[str, object]) -> str:
    """The node that was first used, or loaded, in the minute before the end: the one that faulthandler names, or the
    only one that was used."""
    ended, uptime = fault["time"], fault.get("uptime")
    assert isinstance(ended, int | float)  # noqa: S101 # `last_fault` has seen to it
    recent = [name for name, at in uses.items() if isinstance(at, int | float) and 0 <= ended - at <= FIRST_USE_S]
    if crashing:
        young = isinstance(uptime, int | float) and uptime <= FIRST_USE_S
        return crashing if crashing in recent or young else ""
    return recent[0] if len(recent) == len(uses) == 1 else ""


def note_response(paths: Paths) -> tuple[list[Condition], bool]:
    """ComfyUI has responded: a search is a step further.

    Returns:
        The conditions about nodes that are left out, and whether ComfyUI must be restarted for the next step.
    """
    state, _ = read_state(paths)
    if state.search is None:
        return [], False
    stamps = read_table(_stamps_file(paths))
    before = read_left_out(paths)
    state, now = after_search(state, after_response(state.search), before, {k: str(v) for k, v in stamps.items()})
    _note(paths, state, before, now)
    return left_out_conditions(now, state.search), state.search is not None


def _note(paths: Paths, state: State, before: Mapping[str, LeftOut], now: dict[str, LeftOut]) -> None:
    write_state(paths, state, time.time())
    with contextlib.suppress(OSError):  # the next start comes later then
        note_trial(paths.runtime, "comfyui", trial=state.search is not None)
    if now != before:
        write_left_out(paths, now)


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


def _stamps_file(paths: Paths) -> str:
    return f"{paths.reports}/node-stamps.json"


def left_out_conditions(nodes: Mapping[str, LeftOut], search: Search | None) -> list[Condition]:
    """The condition that names the nodes."""
    reasons = [f"ComfyUI starts without the custom node {name}: {each.reason}" for name, each in nodes.items()]
    if search:
        part = f"{len(search.out)} custom nodes ({', '.join(search.out)})"
        reasons.append(f"ComfyUI starts without {part} to find the one with which it ends before it responds")
    if not reasons:
        return []
    names = " ".join(sorted(nodes))
    remedy = f"update or remove it; it is tried again when it changes, or with: podkeeper nodes try {names}"
    return [Condition("NodeLeftOut", "; ".join(reasons), remedy if names else "wait: ComfyUI is restarted by itself")]
