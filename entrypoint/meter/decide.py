"""P: the limits of the settings, idleness, age and cost -> how long until the pod is stopped, and why."""

from __future__ import annotations

from typing import NamedTuple

from entrypoint.meter.idle import Idle
from entrypoint.settings.durations import in_words, seconds_of
from entrypoint.settings.settings import Settings

#: Seconds of warning at most: before an idle stop, and before a hard limit, which also ends work.
WARNING_S, LIMIT_WARNING_S = 300.0, 900.0
#: Seconds between two looks: without a limit; with one at most; during a countdown.
RELAXED_S, LONGEST_S, COUNTDOWN_S = 30.0, 20.0, 5.0


class Limits(NamedTuple):
    """When the pod is stopped; 0.0: never for that. `idle` and `run` are seconds, `cost` is dollars."""

    idle: float = 0.0
    run: float = 0.0
    cost: float = 0.0

    def __bool__(self) -> bool:
        return any(self)


class Decision(NamedTuple):
    """What follows.

    Attributes:
        state: `busy`, `kept` (podkeeper keep), `idle`, `soon` (a countdown runs) or `due`.
        limit: The limit that is reached first: `idle`, `run` or `cost`; "": none is.
        left: Seconds until the stop; None: none is in sight.
    """

    state: str
    limit: str = ""
    left: float | None = None


class Moment(NamedTuple):
    """The time of a decision.

    Attributes:
        now: As in `Idle`.
        keep_until: Until when the user keeps the pod; it counts as at work until then. No hard limit heeds it.
        run: Seconds since the start of the pod.
        seen: Seconds since the start of this container's meter.
    """

    now: float
    keep_until: float = 0.0
    run: float = 0.0
    seen: float = 0.0


def limits_of(settings: Settings) -> Limits:
    """The limits that the settings set."""
    return Limits(seconds_of(settings.idle_stop), settings.max_hours * 3600, settings.max_cost)


def decide(limits: Limits, idle: Idle, at: Moment, price: float | None) -> Decision:
    """Decide; a hard limit that is reached when the container starts comes after a countdown, too.

    Args:
        limits: When the pod is stopped.
        idle: What the looks say.
        at: The time.
        price: Dollars an hour; None: unknown.
    """
    now, keep_until, run, seen = at
    kept = keep_until > now
    state = "busy" if idle.since is None else "kept" if kept else "idle"
    left: dict[str, float] = {}
    if limits.idle and idle.since is not None and not kept:
        left["idle"] = limits.idle - (now - max(idle.since, keep_until))
    if limits.run:
        left["run"] = max(limits.run - run, _countdown(limits, "run", price) - seen)
    if limits.cost and price:
        left["cost"] = max((limits.cost / price) * 3600 - run, _countdown(limits, "cost", price) - seen)
    if not left:
        return Decision(state)
    limit = min(left, key=lambda name: left[name])
    seconds = left[limit]
    if seconds <= 0:
        return Decision("due", limit, 0.0)
    return Decision("soon" if seconds <= _warning(limits, limit, price) else state, limit, seconds)


def period(limits: Limits, state: str) -> float:
    """Seconds until the next look: at least six looks go before an idle stop."""
    if not limits:
        return RELAXED_S
    longest = min(LONGEST_S, (limits.idle or 6 * LONGEST_S) / 6)
    return max(0.25, min(longest, COUNTDOWN_S) if state == "soon" else longest)


def reason(limit: str, limits: Limits, idle_for: float) -> str:
    """Why the pod is stopped, as a clause."""
    return {
        "idle": f"the pod has been idle for {in_words(idle_for)} (IDLE_STOP={in_words(limits.idle)})",
        "run": f"the pod has run for MAX_HOURS ({in_words(limits.run)})",
        "cost": f"the pod has cost MAX_COST (${limits.cost:.2f})",
    }[limit]


def _countdown(limits: Limits, limit: str, price: float | None) -> float:
    """Seconds that a start has before a hard limit ends it."""
    return min(WARNING_S, _warning(limits, limit, price))


def _warning(limits: Limits, limit: str, price: float | None) -> float:
    """Seconds before the stop at which the countdown begins: less for a limit that is short itself."""
    if limit == "idle":
        return min(WARNING_S, limits.idle / 2)
    whole = limits.run if limit == "run" else limits.cost / (price or 1) * 3600
    return min(LIMIT_WARNING_S, whole / 4)
