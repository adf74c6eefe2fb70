"""P: how long the pod has run, how much of it was idle, and what that costs.

What counts: the price of an hour times the time since the pod's start. RunPod bills a pod from its start to its stop,
whatever its containers do, so the start is RunPod's `lastStartedAt`, and a container that starts again continues the
count. Not counted: a network volume, the volume disk of a stopped pod, and earlier runs (but in `today`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

#: Where RunPod says nothing: a container that starts again within this many seconds continues the count.
RESTART_S = 600.0
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Ledger:
    """Seconds of the run of a pod.

    Attributes:
        run: Since the pod's start.
        idle: Of these, idle.
        today: On this day, in all runs that the volume knows of.
        idle_today: Of these, idle.
        day: The day, as 2026-11-26.
    """

    run: float = 0.0
    idle: float = 0.0
    today: float = 0.0
    idle_today: float = 0.0
    day: str = ""

    def plus(self, seconds: float, *, idle: bool, day: str) -> Ledger:
        """The ledger after `seconds` more."""
        seconds = max(0.0, seconds)
        idle_seconds = seconds if idle else 0.0
        same = day == self.day
        return Ledger(
            self.run + seconds,
            self.idle + idle_seconds,
            (self.today if same else 0.0) + seconds,
            (self.idle_today if same else 0.0) + idle_seconds,
            day,
        )

    def aged(self, run: float) -> Ledger:
        """The ledger of a pod that runs for `run` seconds already: RunPod's word, which may come late."""
        return self if run <= self.run else replace(self, run=run, today=self.today + run - self.run)


@dataclass(frozen=True, slots=True)
class Kept:
    """The file on the volume. `at`: when it was written; `keep_until`: as `podkeeper keep` was given; both in seconds
    since 1970, the only clock that outlives a machine."""

    pod: str
    at: float
    keep_until: float
    ledger: Ledger

    def as_table(self) -> dict[str, Any]:
        """As JSON."""
        return {"pod": self.pod, "at": self.at, "keep_until": self.keep_until, **asdict(self.ledger)}


def kept_of(table: Mapping[str, Any]) -> Kept | None:
    """The content of the file; None for anything else."""
    names = ("at", "keep_until", "run", "idle", "today", "idle_today")
    numbers = [table.get(name) for name in names]
    if not all(isinstance(each, int | float) and math.isfinite(each) and each >= 0 for each in numbers):
        return None
    at, keep_until, run, idle, today, idle_today = (float(each) for each in numbers if each is not None)
    ledger = Ledger(run, min(idle, run), today, min(idle_today, today), str(table.get("day") or "")[:10])
    return Kept(str(table.get("pod") or ""), at, keep_until, ledger)


def resumed(kept: Kept | None, pod: str, now: float, age: float, day: str, into_day: float, *, certain: bool) -> Ledger:
    """The ledger of a container that starts.

    Args:
        kept: What the volume says.
        pod: RunPod's id of this pod; "": this is no pod of RunPod's, and every container is a run of its own.
        now: Seconds since 1970.
        age: Seconds since the start of the pod (`certain`: RunPod says so) or of this container.
        day: Today.
        into_day: Seconds since midnight.
        certain: Whether `age` is the pod's.
    """
    fresh = Ledger(age, 0.0, min(age, into_day), 0.0, day)
    if kept is None or not pod or kept.pod != pod or not 0 <= now - kept.at < 10 * 365 * _DAY:
        return fresh
    before, gap = kept.ledger, now - kept.at
    same_run = gap <= age if certain else gap - age <= RESTART_S
    if not same_run:
        earlier = before if before.day == day else Ledger()
        return replace(fresh, today=fresh.today + earlier.today, idle_today=earlier.idle_today)
    run = age if certain else before.run + gap
    today = min(gap, into_day) + (before.today if before.day == day else 0.0)
    return Ledger(run, min(before.idle, run), today, before.idle_today if before.day == day else 0.0, day)


def dollars(seconds: float, price: float | None) -> float | None:
    """What `seconds` cost at `price` dollars an hour; None: unknown."""
    return None if price is None else seconds / 3600 * price
