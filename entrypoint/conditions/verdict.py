"""P: healthy, degraded or unhealthy: one answer for the HEALTHCHECK, /readyz, the page and `podkeeper status`."""

from __future__ import annotations

from collections.abc import Sequence


def verdict(enabled: Sequence[str], down: Sequence[str], conditions: Sequence[str]) -> tuple[int, str]:
    """Exit code and line.

    Args:
        enabled: Titles of the services that should run, the one that counts first.
        down: Those of them that do not answer.
        conditions: Names of the conditions that hold.
    """
    problems = [f"{title} does not answer" for title in down] + list(conditions)
    if enabled and enabled[0] in down:
        return 1, "unhealthy: " + ", ".join(problems)
    if problems:
        return 0, "degraded: " + ", ".join(problems)
    return 0, "healthy"
