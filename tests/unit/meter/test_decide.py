"""30 scenarios of idle and busy: a story of looks, settings and `podkeeper keep` -> what happens, and when."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import pytest

from entrypoint.meter.decide import Limits, Moment, decide, limits_of, period, reason
from entrypoint.meter.idle import Idle, Look, after
from entrypoint.settings.settings import Settings

MIN, HOUR = 60.0, 3600.0
#: What a story's letters see: nothing, work, a look that fails. `_`: the meter did not look.
LOOKS = {".": Look(), "w": Look(busy="work"), "?": Look(failed="blind")}


class Story(NamedTuple):
    """A look a minute. `keeps`: minute -> until which minute; `start`: the pod's age in minutes at the first look."""

    looks: str
    expected: str
    settings: dict[str, str]
    keeps: Mapping[int, float] = MappingProxyType({})
    price: float | None = 0.60
    start: float = 0.0


I30 = {"IDLE_STOP": "30m"}
STORIES = {
    "nothing happens": Story("." * 31, "due idle", I30),
    "nothing happens, a minute before": Story("." * 30, "soon idle", I30),
    "nothing happens, before the warning": Story("." * 25, "idle idle", I30),
    "nothing happens, at the warning": Story("." * 26, "soon idle", I30),
    "no limit is set": Story("." * 500, "idle", {}),
    "IDLE_STOP=off": Story("." * 500, "idle", {"IDLE_STOP": "off"}),
    "work all the time": Story("w" * 500, "busy", I30),
    "work at the last look": Story("." * 29 + "w", "busy", I30),
    "work just before the stop": Story("." * 29 + "w" + "." * 29, "soon idle", I30),
    "work, then the whole time again": Story("." * 29 + "w" + "." * 31, "due idle", I30),
    "work every half hour": Story(("." * 29 + "w") * 10, "busy", I30),
    "every second look sees work": Story(".w" * 100, "busy", I30),
    "a look that fails": Story("." * 30 + "?", "busy", I30),
    "looks that fail for ever": Story("?" * 500, "busy", I30),
    "a failed look begins the time anew": Story("." * 29 + "?" + "." * 25, "idle idle", I30),
    "the first look fails": Story("?" + "." * 31, "due idle", I30),
    "the machine slept for an hour": Story("." * 20 + "_" * 60 + ".", "idle idle", I30),
    "a look is late": Story("." * 10 + "_" + "." * 20, "due idle", I30),
    "kept": Story("." * 100, "kept", I30, {5: 200.0}),
    "kept during the countdown": Story("." * 31, "kept", I30, {29: 149.0}),
    "kept, and at work": Story("." * 20 + "w" * 10, "busy", I30, {5: 200.0}),
    "after the keeping the whole time counts": Story("." * 60, "idle idle", I30, {5: 40.0}),
    "after the keeping, idle": Story("." * 71, "due idle", I30, {5: 40.0}),
    "the keeping is taken back": Story("." * 40, "due idle", I30, {5: 200.0, 38: 0.0}),
    "a short IDLE_STOP warns for half of it": Story("...", "soon idle", {"IDLE_STOP": "4m"}),
    "MAX_HOURS ends work": Story("w" * 61, "due run", {"MAX_HOURS": "1"}),
    "MAX_HOURS warns": Story("w" * 47, "soon run", {"MAX_HOURS": "1"}),
    "MAX_HOURS counts from the pod's start": Story("w" * 6, "due run", {"MAX_HOURS": "8"}, start=480),
    "after MAX_HOURS a start has a countdown": Story("w" * 5, "soon run", {"MAX_HOURS": "8"}, start=900),
    "after MAX_COST a start has a countdown": Story("w" * 5, "soon cost", {"MAX_COST": "1"}, start=900),
    "MAX_HOURS does not heed keep": Story("." * 61, "due run", {"MAX_HOURS": "1"}, {5: 900.0}),
    "MAX_COST ends work": Story("w" * 101, "due cost", {"MAX_COST": "1"}),
    "MAX_COST warns": Story("w" * 90, "soon cost", {"MAX_COST": "1"}),
    "MAX_COST without a price": Story("w" * 500, "busy", {"MAX_COST": "1"}, price=None),
    "the nearest limit counts": Story("." * 31, "due idle", I30 | {"MAX_HOURS": "1", "MAX_COST": "9"}),
    "idle, with hours left": Story("." * 20, "idle idle", I30 | {"MAX_HOURS": "9"}),
    "at work, with hours left": Story("w" * 20, "busy run", I30 | {"MAX_HOURS": "9"}),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_what_happens(story: Story) -> None:
    limits = limits_of(Settings.from_environ(story.settings))
    idle, keep, at = Idle(), 0.0, 0.0
    for minute, letter in enumerate(story.looks):
        at = 1000.0 + minute * MIN
        keep = 1000.0 + story.keeps[minute] * MIN if minute in story.keeps else keep
        if letter != "_":
            idle = after(idle, at, LOOKS[letter], gap=150.0)
    run = story.start * MIN + at - 1000.0
    decision = decide(limits, idle, Moment(at, keep, run, at - 1000.0), story.price)
    assert f"{decision.state} {decision.limit}".strip() == story.expected


@pytest.mark.parametrize(
    ("limits", "state", "seconds"),
    [(Limits(), "busy", 30.0), (Limits(idle=1800), "idle", 20.0), (Limits(idle=1800), "soon", 5.0),
     (Limits(idle=60), "idle", 10.0), (Limits(idle=6), "soon", 1.0), (Limits(idle=0.5), "idle", 0.25),
     (Limits(cost=1), "busy", 20.0)],
)  # fmt: skip
def test_how_often_the_meter_looks(limits: Limits, state: str, seconds: float) -> None:
    assert period(limits, state) == seconds


def test_the_reason_names_the_setting() -> None:
    limits = Limits(idle=1800, run=8 * HOUR, cost=5)
    assert reason("idle", limits, 1805) == "the pod has been idle for 30 min (IDLE_STOP=30 min)"
    assert reason("run", limits, 0) == "the pod has run for MAX_HOURS (8 h)"
    assert reason("cost", limits, 0) == "the pod has cost MAX_COST ($5.00)"
