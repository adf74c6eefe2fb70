import pytest

from entrypoint.commands.cost_text import meter_lines
from entrypoint.meter.view import Meter
from tests.support.meters import meter


def test_what_it_costs() -> None:
    assert meter_lines(meter())[0] == (
        "$0.69 an hour (RunPod); $1.38 since the start 2 h ago, $0.34 of it idle (30 min); $1.38 today"
    )
    assert "(RunPod, spot)" in meter_lines(meter(spot=True))[0]


def test_what_is_not_known() -> None:
    line = meter_lines(meter(price=None, cost=None, cost_idle=None, cost_today=None, problem="no key"))[0]
    assert line == "not known (no key); set COST_PER_HOUR. Up for 2 h, 30 min of it idle"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (meter(), "busy: a GPU is at work (97 %)"),
        (meter(limit="run", stop_at=1e6, action="stop"), "busy: a GPU is at work (97 %); stop at "),
        (meter(state="idle", idle_since=1e6), "idle since "),
        (
            meter(state="soon", idle_since=1e6, limit="idle", stop_at=1e6, action="exit"),
            "to keep it: podkeeper keep 2h",
        ),
        (meter(state="kept", idle_since=1e6, keep_until=2e6), "idle, kept until "),
        (meter(state="stopping"), "the pod is being stopped"),
        (meter(state=""), "the meter does not run"),
    ],
)
def test_its_state(found: Meter, words: str) -> None:
    assert words in meter_lines(found)[1]
