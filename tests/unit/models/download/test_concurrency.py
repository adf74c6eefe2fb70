"""How many connections are worth having."""

from __future__ import annotations

from entrypoint.models.download.concurrency import ConcurrencyLimit


def sizes_of(first: int, most: int, rate_of: dict[int, float], seconds: float, busy: float = 0.0) -> list[int]:
    """The sizes in turn, on a network that brings `rate_of[size]` bytes a second; `busy`: our part of a processor."""
    limit, sizes, received, now = ConcurrencyLimit(first, most), [first], 0.0, 0.0
    while now < seconds:
        limit.update(now, int(received), 0.05, busy * now)
        if limit.size != sizes[-1]:
            sizes.append(limit.size)
        now += 0.01
        received += 0.01 * rate_of[limit.size]
    return sizes


def test_slow_connections_are_doubled_up_to_the_most() -> None:
    assert sizes_of(8, 24, {8: 160e6, 16: 320e6, 24: 480e6}, 1.5) == [8, 16, 24]


def test_a_full_network_keeps_few_connections_and_tries_more_later() -> None:
    full = dict.fromkeys((8, 16, 24), 300e6)
    assert sizes_of(8, 24, full, 9) == [8, 16, 8]
    assert sizes_of(8, 24, full, 15) == [8, 16, 8, 16, 8]


def test_connections_that_bring_too_little_are_taken_back() -> None:
    assert sizes_of(8, 24, {8: 300e6, 16: 350e6, 24: 350e6}, 9) == [8, 16, 8]
    assert sizes_of(8, 24, {8: 100e6, 16: 190e6, 24: 191e6}, 9) == [8, 16, 24, 16]


def test_no_connection_is_added_where_the_processor_is_the_bottleneck() -> None:
    rates = {8: 160e6, 16: 320e6, 24: 480e6}
    assert sizes_of(8, 24, rates, 5, busy=0.9) == [8]
    assert sizes_of(8, 24, rates, 1.5, busy=0.5) == [8, 16, 24]
