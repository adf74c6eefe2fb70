"""P: decides which custom nodes are left out, from the starts that ended while a node was being loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Starts in a row that a node may end: the first can be the fault of something that has passed.
MOST_ENDS = 2
#: A kind of end (supervision/exits.py) that takes as long as the time-out: once is enough.
HUNG = "node"
#: Kinds of ends that may be a node's fault: not a stop, not a lack of memory.
FAULTS = frozenset({"exit", "signal", "hang", "startup", HUNG})


@dataclass(frozen=True, slots=True)
class End:
    """A start that ended while `node` was being loaded. `at`: seconds since 1970."""

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


def ends_in_a_row(ends: Sequence[End]) -> int:
    """How many of the last ends are of the same node."""
    count = 0
    for end in reversed(ends):
        if end.node != ends[-1].node:
            break
        count += 1
    return count


def judged(ends: Sequence[End], left_out: Mapping[str, LeftOut], stamps: Mapping[str, str]) -> dict[str, LeftOut]:
    """The nodes that are left out after the last of `ends`.

    Args:
        ends: The starts that ended while a node was being loaded, since ComfyUI last responded; oldest first.
        left_out: The nodes that were left out until now.
        stamps: Node -> its stamp now. A node without one is gone.
    """
    kept = {name: each for name, each in left_out.items() if stamps.get(name) == each.stamp}
    if ends and ends[-1].node in stamps and (ends[-1].kind == HUNG or ends_in_a_row(ends) >= MOST_ENDS):
        last = ends[-1]
        times = "" if last.kind == HUNG else f" {ends_in_a_row(ends)} times"
        reason = f"it ended ComfyUI{times} while it was loaded: {last.reason}"
        kept[last.node] = LeftOut(reason, stamps[last.node])
    return kept


def arguments_without(left_out: Mapping[str, LeftOut], nodes: Sequence[str], given: Sequence[str]) -> list[str]:
    """ComfyUI's arguments that leave nodes out. No file of the user's is renamed.

    Args:
        left_out: The nodes.
        nodes: Every entry of the custom_nodes folders that ComfyUI would load, podkeeper's own included.
        given: The user's arguments: where they leave out all nodes, they decide.
    """
    if not left_out or any(argument.startswith("--disable-all-c") for argument in given):
        return []
    return ["--disable-all-custom-nodes", "--whitelist-custom-nodes", *(name for name in nodes if name not in left_out)]
