"""What is recorded and said of a pass, and how long the next one may wait."""

import pytest

from entrypoint.settings.volume_policy import SHARED
from entrypoint.volumes.counts import Tally, Troubles
from entrypoint.volumes.pass_record import DELAY_S, DONE, FRESH_S, RUNNING, STOPPED, delay_s, line, record
from entrypoint.volumes.rules import Rule

RULE = Rule("/comfyui", SHARED, 0, 0)


def earlier(state=DONE, rule=RULE, troubles=None, now=1000.0):
    return record(state, rule, "because", Tally(), troubles or Troubles(), 900.0, now)


def test_a_pass_that_ended_well_lets_the_next_one_wait_but_never_makes_it_needless():
    assert delay_s(earlier(), RULE, 1010.0) == DELAY_S


@pytest.mark.parametrize(
    ("record_of_the_last", "now"),
    [
        ({}, 1010.0),
        (earlier(STOPPED), 1010.0),
        (earlier(RUNNING), 1010.0),
        (earlier(), 1000.0 + FRESH_S),
        (earlier(), 10.0),  # a clock that went back proves nothing
        (earlier(rule=Rule("/comfyui", SHARED, 1, 1)), 1010.0),
    ],
)
def test_otherwise_it_begins_at_once(record_of_the_last, now):
    assert delay_s(record_of_the_last, RULE, now) == 0


def test_a_pass_with_errors_is_not_one_that_ended_well():
    troubles = Troubles()
    troubles.note("open", PermissionError(13, ""), "/x", Tally(), lambda: 0)
    assert delay_s(earlier(troubles=troubles), RULE, 1010.0) == 0


def test_one_line_says_everything():
    troubles, tally = Troubles(), Tally(folders=2, files=3, modes=1)
    tally.leave("set-id")
    troubles.note("open", PermissionError(13, ""), "/models", tally, lambda: 0)
    assert line(DONE, RULE, tally, troubles, 12.4) == (
        "volume pass over /comfyui (shared) done: 2 folders and 3 files seen in 12 s, 1 changes, 1 left (set-id), "
        "1 errors, most often 'open: EACCES' (first at /comfyui/models)"
    )
