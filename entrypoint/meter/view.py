"""P: the meter's report -> what pages and commands show of it, at the time of the reader."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from entrypoint.meter.ledger import dollars

#: Seconds without a new report after which the meter counts as ended.
_STALE_S = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What the pod costs, and whether it is idle. Times are seconds since 1970, durations seconds, money dollars.

    Attributes:
        price: Of an hour; null: unknown.
        source: Where the price comes from: RunPod or COST_PER_HOUR; "": unknown.
        spot: Whether it is a spot pod, which another user's bid can end.
        problem: Why the price is unknown.
        run: Duration since the pod's start.
        idle: Of these, idle.
        today: Duration on this day, in all runs that the volume knows of.
        cost, cost_idle, cost_today: What these have cost; null: unknown.
        state: busy, kept, idle, soon (a countdown runs), stopping, or "" (the meter does not run).
        why: What is at work, as a clause; "" in other states.
        idle_since: Time since which nothing is at work; null: something is.
        limit: The limit that comes first: idle, run or cost; "": none.
        stop_at: Time of the stop; null: none is in sight.
        action: stop, terminate or exit; "": no limit is set.
        keep_until: Time until which the user keeps the pod; null: not kept.
    """

    price: float | None
    source: str
    spot: bool
    problem: str
    run: float
    idle: float
    today: float
    cost: float | None
    cost_idle: float | None
    cost_today: float | None
    state: str
    why: str
    idle_since: float | None
    limit: str
    stop_at: float | None
    action: str
    keep_until: float | None


def view(report: Mapping[str, Any], boot: float, now: float) -> Meter | None:
    """The view; None where there is no report.

    Args:
        report: The content of `reports/meter.json` (`report.py`).
        boot: The time in seconds of CLOCK_BOOTTIME, which the report uses.
        now: The same time in seconds since 1970.
    """
    at = _number(report.get("boot"))
    if at is None or boot < at - 1:
        return None
    since = min(boot - at, _STALE_S)
    state = str(report.get("state") or "") if boot - at < _STALE_S else ""
    idle = (_number(report.get("idle")) or 0.0) + (since if state in ("idle", "soon", "kept", "stopping") else 0.0)
    run, today = ((_number(report.get(name)) or 0.0) + since for name in ("run", "today"))
    price = _number(report.get("price"))

    def clock(name: str) -> float | None:
        """A time of the report as seconds since 1970, to the second: it must not change by itself."""
        value = _number(report.get(name))
        return None if value is None else float(round(now + value - boot))

    return Meter(
        price=price, source=str(report.get("source") or ""), spot=report.get("spot") is True,
        problem=str(report.get("problem") or ""), run=round(run), idle=round(idle), today=round(today),
        cost=_cents(dollars(run, price)), cost_idle=_cents(dollars(idle, price)),
        cost_today=_cents(dollars(today, price)), state=state, why=str(report.get("why") or ""),
        idle_since=clock("idle_since"), limit=str(report.get("limit") or ""), stop_at=clock("stop_at"),
        action=str(report.get("action") or ""), keep_until=clock("keep_until"),
    )  # fmt: skip


def _cents(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _number(value: Any) -> float | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if fits else None
