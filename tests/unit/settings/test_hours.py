"""The daily time window for model downloads."""

from __future__ import annotations

import pytest

from entrypoint.settings.hours import parse_hours, seconds_until


@pytest.mark.parametrize(
    ("text", "now", "wait"),
    [
        ("22-6", 23, 0),
        ("22-6", 5, 0),
        ("22-6", 6, 16),
        ("22-6", 21, 1),
        ("8-18", 7, 1),
        ("8-18", 17, 0),
        ("8-18", 18, 14),
        ("18-24", 23, 0),
    ],
)
def test_hours(text: str, now: int, wait: int) -> None:
    assert seconds_until(parse_hours(text), now * 3600) == wait * 3600


@pytest.mark.parametrize("text", ["", "22", "6-6", "25-3", "1-2:75", "a-b", "0-24"])
def test_hours_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_hours(text)
