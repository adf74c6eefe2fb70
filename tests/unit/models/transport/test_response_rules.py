"""What an answer means, and how long is waited."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from multidict import CIMultiDict

from entrypoint.models.transport.response_rules import Again, Failed, judge, retry_after
from entrypoint.models.transport.retry import Limits, Patience
from entrypoint.settings.hours import parse_hours, seconds_until

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "signed", "outcome"),
    [
        (200, False, "go"),
        (206, True, "go"),
        (408, False, "again"),
        (425, False, "again"),
        (429, False, "again"),
        (500, False, "again"),
        (503, True, "again"),
        (401, False, "LoginNeeded"),
        (403, False, "Forbidden"),
        (404, False, "NotFound"),
        (410, False, "NotFound"),
        (405, False, "Refused"),
        (416, False, "Refused"),
        (451, False, "Refused"),
        (401, True, "resolve"),
        (403, True, "resolve"),
        (404, True, "resolve"),
        (416, True, "resolve"),
        (304, True, "resolve"),
    ],
)
def test_what_a_status_means(status: int, signed: bool, outcome: str) -> None:
    found = "go"
    try:
        judge(status, CIMultiDict(), signed=signed, now=NOW)
    except Again as again:
        found = "resolve" if again.resolve else "again"
    except Failed as failed:
        found = failed.name
    assert found == outcome


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Thu, 01 Jan 2026 02:01:00 +0200", 60.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("", None),
        (None, None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 40, 999999999.0),
    ],
)
def test_both_forms_of_retry_after(text: str | None, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds


def failure(error: BaseException) -> object:
    return SimpleNamespace(outcome=SimpleNamespace(exception=lambda: error))


def test_progress_renews_the_patience() -> None:
    there = [0]
    patience = Patience(Limits(attempts=3), lambda: there[0], lambda: 0.5)
    plain = failure(Again("x"))
    assert [patience.stop(plain) for _ in range(2)] == [False, False]
    there[0] = 1
    assert [patience.stop(plain) for _ in range(3)] == [False, False, True]


def test_waits_double_and_what_the_origin_asks_for_counts() -> None:
    patience = Patience(Limits(attempts=9, first_wait=1, longest_wait=5), lambda: 0, lambda: 1.0)
    waits = []
    for _ in range(5):
        assert not patience.stop(failure(Again("x")))
        waits.append(patience.wait(failure(Again("x"))))
    assert waits == [1, 2, 4, 5, 5]
    assert patience.wait(failure(Again("x", after=40))) == 41
    assert patience.stop(failure(Again("x", after=301)))


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
