"""P: ComfyUI's starts: whether the packages that were installed since the last good set are taken back.

A set of packages is good once ComfyUI has responded with it. Two starts in a row that ended before ComfyUI responded,
both with the same set, and not the good one, are taken for the packages' fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: Starts that may end before ComfyUI responds: the first can be the fault of something that has passed.
MOST_DEAD = 2
#: Kinds of ends (supervision/exits.py) that may be the packages' fault: not a stop, not a lack of memory.
FAULTS = frozenset({"exit", "signal", "hang", "startup"})
_KEPT = 20


@dataclass(frozen=True, slots=True)
class Start:
    """One start of ComfyUI.

    Attributes:
        at: When, in seconds since 1970.
        packages: The fingerprint of the overlay then.
        served: Whether ComfyUI responded before it ended.
    """

    at: float
    packages: str
    served: bool = False


def parse(content: dict[str, Any]) -> tuple[Start, ...]:
    """The starts in the file, oldest first; what cannot be used is left out."""
    found = content.get("starts")
    starts = []
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict) and isinstance(each.get("at"), int | float) and isinstance(each.get("packages"), str):
            starts.append(Start(each["at"], each["packages"], each.get("served") is True))
    return tuple(starts[-_KEPT:])


def content_of(starts: Sequence[Start]) -> dict[str, Any]:
    """The file's content."""
    kept = starts[-_KEPT:]
    return {"starts": [{"at": each.at, "packages": each.packages, "served": each.served} for each in kept]}


def dead_in_a_row(
    starts: Sequence[Start], restarts: Sequence[Any], packages: str | None = None, since: float = 0.0
) -> int:
    """How many of the last starts ended before ComfyUI responded, and not by a wish.

    Args:
        starts: ComfyUI's starts, oldest first.
        restarts: The entries of restarts.json.
        packages: Only starts with this fingerprint of the overlay count; None: all.
        since: Only starts after this time count, in seconds since 1970.
    """
    faults = sorted(
        entry["time"]
        for entry in restarts
        if isinstance(entry, dict)
        and entry.get("program") == "comfyui"
        and entry.get("kind") in FAULTS
        and isinstance(entry.get("time"), int | float)
    )
    dead, end = 0, float("inf")
    for start in reversed(starts):
        if start.served or packages not in (None, start.packages) or start.at < since:
            break
        if any(start.at <= time < end for time in faults):
            dead += 1
        end = start.at
    return dead


def served(starts: Sequence[Start]) -> tuple[Start, ...]:
    """The starts after ComfyUI has responded: the last one has served."""
    return (*starts[:-1], Start(starts[-1].at, starts[-1].packages, True)) if starts else ()
