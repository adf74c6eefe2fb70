"""P: the hours of the day at which models may be fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DAY = 24 * 3600
_FORM = re.compile(r"(\d{1,2})(?::(\d\d))?-(\d{1,2})(?::(\d\d))?")


@dataclass(frozen=True, slots=True)
class Hours:
    """From one second of the day to another; over midnight where the end is not behind the start."""

    start: int
    end: int


def parse_hours(text: str) -> Hours:
    """`22-6` or `22:30-06:00`.

    Raises:
        ValueError: It is neither.
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
    """Seconds from `now` (of the day) until fetching is allowed; 0: it is."""
    length = (hours.end - hours.start) % _DAY
    since = (now - hours.start) % _DAY
    return 0 if since < length else _DAY - since
