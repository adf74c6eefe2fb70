"""P: the daily time window for model downloads (MODELS_HOURS)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DAY = 24 * 3600
_FORM = re.compile(r"(\d{1,2})(?::(\d\d))?-(\d{1,2})(?::(\d\d))?")


@dataclass(frozen=True, slots=True)
class Hours:
    """A window from one second of the day to another; it spans midnight where the end is before the start."""

    start: int
    end: int


def parse_hours(text: str) -> Hours:
    """Parse `22-6` or `22:30-06:00`.

    Raises:
        ValueError: The text is neither.
    """
    found = _FORM.fullmatch(text.replace(" ", ""))
    if not found:
        raise ValueError("must be hours like 22-6 or 22:30-06:00")
    hours = [int(part or 0) for part in found.groups()]
    start, end = hours[0] * 3600 + hours[1] * 60, hours[2] * 3600 + hours[3] * 60
    if max(start, end) > _DAY or max(hours[1], hours[3]) > 59 or start % _DAY == end % _DAY:
        raise ValueError("must be two different times of a day")
    return Hours(start % _DAY, end % _DAY)


def seconds_until(hours: Hours, now: int) -> int:
    """Return the seconds from `now` (seconds of the day) until downloads are allowed; 0: they are allowed now."""
    length = (hours.end - hours.start) % _DAY
    since = (now - hours.start) % _DAY
    return 0 if since < length else _DAY - since
