"""P: decides which custom nodes are left out, from what became of ComfyUI's last start."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from entrypoint.nodes.bisect import Search, after_end, begin

#: Times in a row that a node may end ComfyUI: the first can be the fault of something that has passed.
MOST_ENDS = 2
#: A kind of end (supervision/exits.py) that takes as long as the time-out: once is enough.
HUNG = "node"
#: Kinds of ends that may be a node's fault: not a stop, not a lack of memory.
FAULTS = frozenset({"exit", "signal", "hang", "startup", HUNG})
#: Seconds after a node's first use in which an end is taken for its fault.
FIRST_USE_S = 60.0


@dataclass(frozen=True, slots=True)
class End:
    """An end of ComfyUI while `node` was being loaded or used. `at`: seconds since 1970."""

    node: str
    at: float
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A node without which ComfyUI starts.

    Attributes:
        reason: How it ended ComfyUI.
        stamp: What the node, its packages and ComfyUI were like then: with another stamp it is tried again.
    """

    reason: str
    stamp: str


@dataclass(frozen=True, slots=True)
class State:
    """What is known from the starts before.

    Attributes:
        ends: The starts that ended while a node was being loaded, since ComfyUI last responded; oldest first.
        uses: The ends within a minute of a node's first use; oldest first.
        unnamed: How many starts in a row have ended before ComfyUI responded, with all nodes loaded.
        search: The search for the node at fault, or None.
        innocent: The nodes that were found not to be at fault, all together (`digest`).
    """

    ends: tuple[End, ...] = ()
    uses: tuple[End, ...] = ()
    unnamed: int = 0
    search: Search | None = None
    innocent: str = ""


@dataclass(frozen=True, slots=True)
class LastStart:
    """What became of the last start.

    Attributes:
        fault: The entry of restarts.json about its end, where that may be a node's fault.
        loading: The node that was being loaded then, or "".
        used: The node that was used for the first time in the minute before, or "".
        served: Whether ComfyUI had responded.
        explained: Whether something else explains the end: a wrong argument, packages that were taken back.
    """

    fault: Mapping[str, Any] | None = None
    loading: str = ""
    used: str = ""
    served: bool = False
    explained: bool = False


def last_fault(restarts: Sequence[Any], after: float) -> dict[str, Any] | None:
    """The last entry of restarts.json about a ComfyUI that ended by a fault after `after`, in seconds since 1970."""
    for entry in reversed(restarts):
        if not isinstance(entry, dict) or entry.get("program") != "comfyui":
            continue
        at = entry.get("time")
        if not isinstance(at, int | float) or at < after:
            return None
        return entry if entry.get("kind") in FAULTS else None
    return None


def judged(
    state: State, last: LastStart, left_out: Mapping[str, LeftOut], stamps: Mapping[str, str], users: Sequence[str]
) -> tuple[State, dict[str, LeftOut]]:
    """What is known now, and the nodes that are left out.

    Args:
        state: What was known before the last start.
        last: What became of that.
        left_out: The nodes that were left out until now.
        stamps: Node -> its stamp now. A node without one is gone.
        users: The user's own nodes, which a search may leave out.
    """
    kept = {name: each for name, each in left_out.items() if stamps.get(name) == each.stamp}
    if last.explained:
        return replace(state, ends=(), unnamed=0, search=None), kept
    if last.fault is None:
        return (replace(state, ends=(), unnamed=0) if last.served else state), kept
    if state.search:
        return after_search(state, after_end(state.search), kept, stamps)
    if last.loading:
        ends = (*state.ends, _end(last.loading, last.fault))
        _leave_out(kept, ends, stamps, "while it was loaded")
        return replace(state, ends=ends, unnamed=0), kept
    if last.used:
        uses = (*state.uses, _end(last.used, last.fault))
        _leave_out(kept, uses, stamps, "within a minute of its first use")
        return replace(state, ends=(), unnamed=0, uses=() if last.used in kept else uses), kept
    if last.served:
        return replace(state, ends=(), unnamed=0), kept
    state = replace(state, unnamed=state.unnamed + 1)
    suspects = tuple(sorted(name for name in users if name not in kept))
    if state.unnamed >= MOST_ENDS and suspects and state.innocent != digest(stamps):
        state = replace(state, unnamed=0, search=begin(suspects))
    return state, kept


def after_search(
    state: State, search: Search | None, left_out: Mapping[str, LeftOut], stamps: Mapping[str, str]
) -> tuple[State, dict[str, LeftOut]]:
    """The state after a step of the search; None: no node is at fault."""
    kept = dict(left_out)
    if search is None:
        return replace(state, search=None, unnamed=0, innocent=digest(stamps)), kept
    if search.found:
        reason = "ComfyUI ends before it responds with it, and responds without it"
        kept[search.found] = LeftOut(reason, stamps.get(search.found, ""))
        return replace(state, search=None, unnamed=0), kept
    return replace(state, search=search), kept


def digest(stamps: Mapping[str, str]) -> str:
    """Names a set of nodes as they are."""
    return hashlib.sha256(repr(sorted(stamps.items())).encode()).hexdigest()[:16]


def ends_in_a_row(ends: Sequence[End]) -> int:
    """How many of the last ends are of the same node."""
    count = 0
    for end in reversed(ends):
        if end.node != ends[-1].node:
            break
        count += 1
    return count


def _end(node: str, fault: Mapping[str, Any]) -> End:
    return End(node, fault["time"], str(fault.get("kind")), str(fault.get("reason")))


def _leave_out(kept: dict[str, LeftOut], ends: Sequence[End], stamps: Mapping[str, str], when: str) -> None:
    """Leave out the node of the last end, if that was one too many."""
    last = ends[-1]
    if last.node in stamps and (last.kind == HUNG or ends_in_a_row(ends) >= MOST_ENDS):
        times = "" if last.kind == HUNG else f" {ends_in_a_row(ends)} times"
        kept[last.node] = LeftOut(f"it ended ComfyUI{times} {when}: {last.reason}", stamps[last.node])


def arguments_without(out: Sequence[str], nodes: Sequence[str], given: Sequence[str]) -> list[str]:
    """ComfyUI's arguments that leave nodes out. No file of the user's is renamed.

    Args:
        out: The nodes that are left out.
        nodes: Every entry of the custom_nodes folders that ComfyUI would load, podkeeper's own included.
        given: The user's arguments: where they leave out all nodes, they decide.
    """
    if not out or any(argument.startswith("--disable-all-c") for argument in given):
        return []
    kept = [name for name in nodes if name not in out]
    return ["--disable-all-custom-nodes", *(["--whitelist-custom-nodes", *kept] if kept else ())]
