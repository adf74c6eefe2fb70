"""P: what a check is: a look that may take a while, and a judgement of what was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from entrypoint.doctor.finding import Verdict
from entrypoint.system.attach import Pod

#: Plain data that one process can hand to another.
Seen = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table in `checks`.

    Attributes:
        name: Stable; scripts match it.
        look: Looks (A). Runs in a process of its own, so that it may hang or raise.
        judge: Says what it means (P).
        deadline: Seconds the look may take.
        remedy: What to do when the look itself does not come back.
        after: Checks that must not have failed, or this one could only repeat them.
    """

    name: str
    look: Callable[[Pod], dict[str, Any]]
    judge: Callable[[Seen, Pod], list[Verdict]]
    deadline: float
    remedy: str
    after: tuple[str, ...] = ()
