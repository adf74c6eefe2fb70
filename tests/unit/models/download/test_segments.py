"""Who fetches which chunks, and how many connections are worth having."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from entrypoint.models.download.chunks import Plan
from entrypoint.models.download.growth import Growth
from entrypoint.models.download.segments import Claim, Claims


@given(
    st.integers(1, 300), st.sets(st.integers(0, 299)), st.sets(st.integers(0, 299)), st.integers(1, 16),
    st.integers(1, 24), st.integers(0, 2**32),
)  # fmt: skip
def test_every_missing_chunk_is_fetched_by_exactly_one(
    count: int, whole: set[int], partial: set[int], longest: int, workers: int, seed: int
) -> None:
    """Whatever the order in which connections come, finish and take over."""
    plan, chance = Plan(count * 10, 10), random.Random(seed)
    done = {index: 3 for index in partial if index < count} | {index: 10 for index in whole if index < count}
    claims, hands, fetched = Claims(plan, done, longest), list[Claim](), list[int]()
    while True:
        claim = claims.take(workers) if len(hands) < workers else None
        if claim is not None:
            hands.append(claim)
            assert 1 <= claim.end - claim.next <= longest
            continue
        if not hands:
            break
        hand = chance.choice(hands)
        if hand.next < hand.end:
            fetched.append(hand.next)
            hand.next += 1
        if hand.next >= hand.end:
            claims.finished(hand)
            hands.remove(hand)
    assert sorted(fetched) == plan.missing(done)
    assert len(claims) == 0


def test_claims_are_short_at_both_ends() -> None:
    claims, lengths = Claims(Plan(400, 1), {}, 16), []
    while (claim := claims.take(8)) is not None and claim.end - claim.next:
        lengths.append(claim.end - claim.next)
        claim.next = claim.end
    assert lengths[:8] == [4] * 8
    assert max(lengths) == 16
    assert lengths[-8:] == [1] * 8
    assert sum(lengths) == 400


def test_the_second_half_of_a_laggard_is_taken_over() -> None:
    claims = Claims(Plan(100, 1), {}, 16)
    taken = list(iter(lambda: claims.take(1) if len(claims) else None, None))
    laggard = max(taken, key=lambda claim: claim.end - claim.next)
    for other in taken:
        other.next = other.end if other is not laggard else other.next + 4
    begin, end = laggard.next, laggard.end
    helper = claims.take(8)
    assert end - begin == 12
    assert (laggard.end, helper and (helper.next, helper.end)) == (begin + 6, (begin + 6, end))


def test_a_chunk_that_is_there_in_part_begins_a_request_of_its_own() -> None:
    claims = Claims(Plan(50, 10), {0: 10, 2: 5}, 16)
    taken = [(claim.next, claim.end) for claim in iter(lambda: claims.take(1), None)]
    assert taken[0] == (1, 2)
    assert taken[1][0] == 2


def grown(first: int, most: int, rate_of: dict[int, float], seconds: float, busy: float = 0.0) -> list[int]:
    """The sizes in turn, on a line that brings `rate_of[size]` bytes a second; `busy`: our part of a processor."""
    growth, sizes, received, now = Growth(first, most), [first], 0.0, 0.0
    while now < seconds:
        growth.look(now, int(received), 0.05, busy * now)
        if growth.size != sizes[-1]:
            sizes.append(growth.size)
        now += 0.01
        received += 0.01 * rate_of[growth.size]
    return sizes


def test_where_each_connection_is_slow_there_are_soon_as_many_as_may_be() -> None:
    assert grown(8, 24, {8: 160e6, 16: 320e6, 24: 480e6}, 1.5) == [8, 16, 24]


def test_a_line_that_is_full_keeps_the_few_and_looks_again_later() -> None:
    full = dict.fromkeys((8, 16, 24), 300e6)
    assert grown(8, 24, full, 9) == [8, 16, 8]
    assert grown(8, 24, full, 15) == [8, 16, 8, 16, 8]


def test_more_that_bring_less_are_taken_back() -> None:
    assert grown(8, 24, {8: 300e6, 16: 350e6, 24: 350e6}, 9) == [8, 16, 8]
    assert grown(8, 24, {8: 100e6, 16: 190e6, 24: 191e6}, 9) == [8, 16, 24, 16]


def test_nobody_is_added_where_our_own_processor_is_the_limit() -> None:
    line = {8: 160e6, 16: 320e6, 24: 480e6}
    assert grown(8, 24, line, 5, busy=0.9) == [8]
    assert grown(8, 24, line, 1.5, busy=0.5) == [8, 16, 24]
