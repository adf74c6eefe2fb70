from __future__ import annotations

from typing import Any

import pytest

from entrypoint.meter.view import view

REPORT: dict[str, Any] = {
    "boot": 500.0, "state": "idle", "why": "", "idle_since": 440.0, "limit": "idle", "stop_at": 2240.0,
    "action": "stop", "price": 0.6, "source": "RunPod", "spot": False, "problem": "", "run": 3600.0, "idle": 600.0,
    "today": 3600.0, "keep_until": None,
}  # fmt: skip


def test_time_goes_on_between_two_reports() -> None:
    meter = view(REPORT, boot=530.0, now=1_000_030.0)
    assert meter is not None
    assert (meter.run, meter.idle, meter.today) == (3630, 630, 3630)
    assert (meter.cost, meter.cost_idle) == (0.605, 0.105)
    assert (meter.idle_since, meter.stop_at) == (1_000_000 - 60, 1_000_000 + 1740)


def test_busy_time_is_not_idle() -> None:
    meter = view(REPORT | {"state": "busy", "why": "work", "idle_since": None}, boot=530.0, now=1_000_030.0)
    assert meter is not None
    assert (meter.run, meter.idle, meter.why) == (3630, 600, "work")


def test_a_meter_that_has_ended_does_not_count_on() -> None:
    meter = view(REPORT, boot=5000.0, now=1_005_000.0)
    assert meter is not None
    assert (meter.state, meter.run) == ("", 3780)


@pytest.mark.parametrize("report", [{}, {"boot": "x"}, {"boot": float("inf")}, {"boot": True}, {"boot": 9000.0}])
def test_no_report_is_none(report: dict[str, Any]) -> None:
    assert view(report, boot=530.0, now=1_000_000.0) is None


def test_nonsense_in_a_report_is_left_out() -> None:
    meter = view({key: ["x"] for key in REPORT} | {"boot": 500.0}, boot=530.0, now=1_000_000.0)
    assert meter is not None
    assert (meter.price, meter.cost, meter.stop_at, meter.run) == (None, None, None, 30)
