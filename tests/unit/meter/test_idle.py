"""Looks -> idle seconds: the clock of idleness."""

from entrypoint.meter.idle import Idle, Look, after

NOTHING, WORK, BLIND = Look(), Look(busy="a kernel runs"), Look(failed="the driver hangs")


def looked(*looks: tuple[float, Look], gap: float = 60.0) -> Idle:
    idle = Idle()
    for at, look in looks:
        idle = after(idle, at, look, gap)
    return idle


def test_idleness_begins_at_the_first_look_that_sees_nothing() -> None:
    assert looked((0, WORK), (20, NOTHING), (40, NOTHING)).since == 20


def test_work_ends_idleness_and_is_named() -> None:
    idle = looked((0, NOTHING), (20, NOTHING), (40, WORK))
    assert (idle.since, idle.why) == (None, "a kernel runs")


def test_a_look_that_fails_counts_as_work() -> None:
    idle = looked((0, NOTHING), (20, BLIND))
    assert (idle.since, idle.why, idle.failures) == (None, "cannot tell: the driver hangs", 1)


def test_failures_in_a_row_are_counted() -> None:
    assert looked((0, BLIND), (20, BLIND), (40, BLIND)).failures == 3
    assert looked((0, BLIND), (20, BLIND), (40, NOTHING)).failures == 0


def test_a_machine_that_slept_was_not_seen_idle() -> None:
    assert looked((0, NOTHING), (20, NOTHING), (7200, NOTHING)).since == 7200


def test_a_clock_that_goes_back_begins_anew() -> None:
    assert looked((100, NOTHING), (50, NOTHING)).since == 50


def test_the_first_look_knows_nothing_of_before() -> None:
    assert looked((500, NOTHING)).since == 500
