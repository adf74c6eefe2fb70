"""How long a run is, over containers that start again, stops of the pod, midnights and files that others wrote."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.meter.ledger import Kept, Ledger, dollars, kept_of, resumed

NOW, DAY, NOON = 1_000_000.0, "2026-11-26", 43200.0
BEFORE = Ledger(run=3600, idle=600, today=4000, idle_today=700, day=DAY)


def kept(gap: float = 30.0, pod: str = "abc", ledger: Ledger = BEFORE) -> Kept:
    return Kept(pod, NOW - gap, 0.0, ledger)


def test_time_is_added_to_the_run_and_to_the_day() -> None:
    ledger = Ledger(day=DAY).plus(20, idle=False, day=DAY).plus(10, idle=True, day=DAY)
    assert ledger == Ledger(30, 10, 30, 10, DAY)


def test_a_new_day_begins_at_nothing() -> None:
    assert Ledger(100, 50, 100, 50, DAY).plus(5, idle=False, day="2026-11-27") == Ledger(105, 50, 5, 0, "2026-11-27")


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    assert Ledger(100, 0, 100, 0, DAY).plus(-50, idle=True, day=DAY) == Ledger(100, 0, 100, 0, DAY)


def test_runpod_knows_of_an_earlier_start() -> None:
    assert Ledger(60, 10, 60, 10, DAY).aged(3600) == Ledger(3600, 10, 3600, 10, DAY)
    assert Ledger(60, 10, 60, 10, DAY).aged(20).run == 60


def test_a_container_that_starts_again_continues_the_run_and_its_idle_time() -> None:
    assert resumed(kept(), "abc", NOW, 3630, DAY, NOON, certain=True) == Ledger(3630, 600, 4030, 700, DAY)


def test_a_pod_that_was_stopped_begins_a_run_and_keeps_the_day() -> None:
    assert resumed(kept(gap=7200), "abc", NOW, 60, DAY, NOON, certain=True) == Ledger(60, 0, 4060, 700, DAY)


def test_a_pod_that_was_stopped_yesterday_begins_with_nothing() -> None:
    old = kept(gap=86400, ledger=Ledger(3600, 600, 4000, 700, "2026-11-25"))
    assert resumed(old, "abc", NOW, 60, DAY, NOON, certain=True) == Ledger(60, 0, 60, 0, DAY)


@pytest.mark.parametrize(("gap", "run"), [(30.0, 3630.0), (599.0, 4199.0), (700.0, 20.0)])
def test_without_runpods_word_a_short_pause_is_a_container_that_starts_again(gap: float, run: float) -> None:
    assert resumed(kept(gap), "abc", NOW, 20, DAY, NOON, certain=False).run == run


def test_another_pods_file_on_a_shared_volume_does_not_count() -> None:
    assert resumed(kept(pod="other"), "abc", NOW, 60, DAY, NOON, certain=True) == Ledger(60, 0, 60, 0, DAY)


def test_elsewhere_every_container_is_a_run() -> None:
    assert resumed(kept(pod=""), "", NOW, 60, DAY, NOON, certain=False) == Ledger(60, 0, 60, 0, DAY)


def test_a_file_from_the_future_does_not_count() -> None:
    assert resumed(kept(gap=-5000), "abc", NOW, 60, DAY, NOON, certain=True).idle == 0


def test_after_midnight_only_the_new_day_counts() -> None:
    over = resumed(kept(gap=120, ledger=BEFORE), "abc", NOW, 3720, "2026-11-27", 60, certain=True)
    assert (over.today, over.idle_today) == (60, 0)


def test_the_file_is_read_back() -> None:
    assert kept_of(kept().as_table()) == kept()


@pytest.mark.parametrize(
    "table",
    [{}, {"run": "x"}, kept().as_table() | {"at": float("nan")}, kept().as_table() | {"idle": -1},
     kept().as_table() | {"today": None}, kept().as_table() | {"run": [1]}],
)  # fmt: skip
def test_another_file_is_none(table: dict[str, Any]) -> None:
    assert kept_of(table) is None


def test_idle_time_is_no_longer_than_the_run() -> None:
    found = kept_of(kept().as_table() | {"idle": 1e9, "idle_today": 1e9})
    assert found is not None
    assert (found.ledger.idle, found.ledger.idle_today) == (3600, 4000)


def test_money() -> None:
    assert dollars(5400, 0.5) == 0.75
    assert dollars(5400, None) is None
