"""A: `podkeeper keep`: the request that the pod is kept although it is idle."""

from __future__ import annotations

import time

from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_table, write_json

#: Seconds for which the button keeps the pod, and the longest time at all.
BUTTON_S, LONGEST_S = 2 * 3600.0, 7 * 86400.0


def keep(paths: Paths, seconds: float) -> None:
    """Keep the pod for so long; 0: no longer. Raises OSError: the runtime folder refuses."""
    until = time.clock_gettime(time.CLOCK_BOOTTIME) + min(seconds, LONGEST_S)
    write_json(f"{paths.requests}/keep.json", {"until": until if seconds else 0.0})


def keep_until(paths: Paths) -> float | None:
    """Until when the pod is kept, in seconds of CLOCK_BOOTTIME; 0.0: it is not; None: it was not asked for."""
    value = read_table(f"{paths.requests}/keep.json").get("until")
    if not isinstance(value, int | float) or isinstance(value, bool) or value != value:
        return None
    return min(float(value), time.clock_gettime(time.CLOCK_BOOTTIME) + LONGEST_S)
