"""P: the pod's health in one word (healthy, degraded, unhealthy), for HEALTHCHECK, the page and `podkeeper status`."""

from __future__ import annotations

from collections.abc import Sequence

from entrypoint.conditions.registry import severity_of


def verdict(enabled: Sequence[str], down: Sequence[str], conditions: Sequence[str]) -> tuple[int, str]:
    """Return the exit code and the line of the HEALTHCHECK.

    Args:
        enabled: Titles of the enabled services; without the first one the pod is unhealthy.
        down: Titles of those that do not answer.
        conditions: Names of the conditions that hold; notes change nothing.
    """
    notes = [name for name in conditions if severity_of(name) == "note"]
    problems = [f"{title} does not answer" for title in down] + [name for name in conditions if name not in notes]
    if enabled and enabled[0] in down:
        return 1, "unhealthy: " + ", ".join(problems)
    if problems:
        return 0, "degraded: " + ", ".join(problems)
    return 0, "healthy" + (f" ({', '.join(notes)})" if notes else "")
