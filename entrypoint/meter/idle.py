"""P: looks at the pod -> since when it is idle. All times are seconds of CLOCK_BOOTTIME: that clock cannot be set."""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """One look at the pod.

    Attributes:
        busy: What is at work, as a clause; "": nothing.
        failed: What could not be looked at, and why; it counts as work.
    """

    busy: str = ""
    failed: str = ""


class Idle(NamedTuple):
    """What the looks so far say.

    Attributes:
        at: Time of the last look.
        since: Time of the first look after the last sign of work; None: something is at work.
        why: What was at work last; "" before the first look.
        failures: How many looks in a row have failed.
    """

    at: float | None = None
    since: float | None = None
    why: str = ""
    failures: int = 0


def after(idle: Idle, now: float, look: Look, gap: float) -> Idle:
    """What is known after a look.

    Args:
        idle: What was known before.
        now: Time of the look.
        look: What it saw.
        gap: Seconds that may pass between two looks. After a longer time (the machine slept, this program was stopped)
            nothing is known of the time between, and idleness begins anew.
    """
    failures = idle.failures + 1 if look.failed else 0
    if look.failed or look.busy:
        return Idle(now, None, f"cannot tell: {look.failed}" if look.failed else look.busy, failures)
    unseen = idle.at is None or not 0 <= now - idle.at <= gap
    since = now if idle.since is None or unseen else idle.since
    return Idle(now, since, idle.why, 0)
