"""P: lengths of time as people write them: `30m`, `8h`, `1.5h`, `90s`, `2d`."""

from __future__ import annotations

import re

_FORM = re.compile(r"([0-9]{1,6}(?:[.][0-9]{1,3})?) ?(s|m|min|h|d)", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
#: What switches a limit off.
_OFF = ("0", "off", "no", "false", "none")


def seconds_of(text: str) -> float:
    """The seconds of a length of time; 0.0 for `off` and "".

    Raises:
        ValueError: The text is no length of time. A number without a unit could mean minutes or seconds.
    """
    if not text or text.lower() in _OFF:
        return 0.0
    found = _FORM.fullmatch(text.strip())
    if not found or float(found[1]) == 0:
        raise ValueError("must be a length of time like 30m, 2h or 90s, or off")
    return float(found[1]) * _SECONDS[found[2].lower()]


def in_words(seconds: float) -> str:
    """A length of time for a message, in two units at most: `45 s`, `30 min`, `1 h 30 min`, `2 d 4 h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, second = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {second} s" if second and minutes < 5 else f"{minutes} min"
    hours, minute = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minute} min" if minute else f"{hours} h"
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"
