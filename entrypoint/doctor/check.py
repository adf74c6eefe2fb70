"""P: what a check is: a function that collects facts, and a function that evaluates them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from entrypoint.doctor.finding import Finding
from entrypoint.system.attach import Pod

#: What a check collected: plain data that one process can send to another (marshal).
Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table in `checks`.

    Attributes:
        name: Stable; scripts match it.
        collect: Collects the facts (A). It runs in a process of its own, so that it may hang or raise.
        evaluate: Turns the facts into findings (P).
        deadline: Seconds that `collect` may take.
        remedy: What to do when `collect` fails or exceeds its deadline.
        as_root: Whether `collect` keeps root's privileges: only where it needs them, and executes and follows nothing
            that a service can write.
        after: The checks whose failure explains a failure of this one: it is skipped then.
    """

    name: str
    collect: Callable[[Pod], dict[str, Any]]
    evaluate: Callable[[Facts, Pod], list[Finding]]
    deadline: float
    remedy: str
    after: tuple[str, ...] = ()
    as_root: bool = False
