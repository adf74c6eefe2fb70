"""The record and log line of a pass, and the delay of the next one."""

from typing import Any

import pytest

from entrypoint.settings.volume_policy import SHARED
from entrypoint.volumes.counts import Counts, Errors
from entrypoint.volumes.pass_record import DELAY_S, DONE, FRESH_S, RUNNING, STOPPED, delay_s, line, record
from entrypoint.volumes.rules import Rule

RULE = Rule("/comfyui", SHARED, 0, 0)


def earlier(state: str = DONE, rule: Rule = RULE, errors: Errors | None = None, now: float = 1000.0) -> dict[str, Any]:
    return record(state, rule, "because", Counts(), errors or Errors(), 900.0, now)


def test_a_recent_pass_without_errors_delays_the_next_one() -> None:
    assert delay_s(earlier(), RULE, 1010.0) == DELAY_S


@pytest.mark.parametrize(
    ("last_record", "now"),
    [
        ({}, 1010.0),
        (earlier(STOPPED), 1010.0),
        (earlier(RUNNING), 1010.0),
        (earlier(), 1000.0 + FRESH_S),
        (earlier(), 10.0),  # the clock went back
        (earlier(rule=Rule("/comfyui", SHARED, 1, 1)), 1010.0),
    ],
)
def test_otherwise_a_pass_begins_at_once(last_record: dict[str, Any], now: float) -> None:
    assert delay_s(last_record, RULE, now) == 0


def test_a_pass_with_errors_does_not_delay_the_next_one() -> None:
    errors = Errors()
    errors.add("open", PermissionError(13, ""), "/x", Counts(), lambda: 0)
    assert delay_s(earlier(errors=errors), RULE, 1010.0) == 0


def test_log_line() -> None:
    errors, counts = Errors(), Counts(folders=2, files=3, modes=1)
    counts.add_left("set-id")
    errors.add("open", PermissionError(13, ""), "/models", counts, lambda: 0)
    assert line(DONE, RULE, counts, errors, 12.4) == (
        "volume pass over /comfyui (shared) done: 2 folders and 3 files seen in 12 s, 1 changes, 1 left (set-id), "
        "1 errors, most often 'open: EACCES' (first at /comfyui/models)"
    )
