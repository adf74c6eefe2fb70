"""Which connection downloads which chunks."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from entrypoint.models.download.chunks import ChunkLayout
from entrypoint.models.download.segments import Segment, Segments


@given(
    st.integers(1, 300), st.sets(st.integers(0, 299)), st.sets(st.integers(0, 299)), st.integers(1, 16),
    st.integers(1, 24), st.integers(0, 2**32),
)  # fmt: skip
def test_every_missing_chunk_is_fetched_by_exactly_one(
    count: int, whole: set[int], partial: set[int], longest: int, connections: int, seed: int
) -> None:
    """Whatever the order in which connections come, finish and steal."""
    layout, chance = ChunkLayout(count * 10, 10), random.Random(seed)
    done = {index: 3 for index in partial if index < count} | {index: 10 for index in whole if index < count}
    segments, active, fetched = Segments(layout, done, longest), list[Segment](), list[int]()
    while True:
        segment = segments.take(connections) if len(active) < connections else None
        if segment is not None:
            active.append(segment)
            assert 1 <= segment.end - segment.next <= longest
            continue
        if not active:
            break
        current = chance.choice(active)
        if current.next < current.end:
            fetched.append(current.next)
            current.next += 1
        if current.next >= current.end:
            segments.finished(current)
            active.remove(current)
    assert sorted(fetched) == layout.missing(done)
    assert len(segments) == 0


def test_segments_are_short_at_both_ends() -> None:
    segments, lengths = Segments(ChunkLayout(400, 1), {}, 16), []
    while (segment := segments.take(8)) is not None and segment.end - segment.next:
        lengths.append(segment.end - segment.next)
        segment.next = segment.end
    assert lengths[:8] == [4] * 8
    assert max(lengths) == 16
    assert lengths[-8:] == [1] * 8
    assert sum(lengths) == 400


def test_the_second_half_of_a_laggard_is_stolen() -> None:
    segments = Segments(ChunkLayout(100, 1), {}, 16)
    taken = list(iter(lambda: segments.take(1) if len(segments) else None, None))
    laggard = max(taken, key=lambda segment: segment.end - segment.next)
    for other in taken:
        other.next = other.end if other is not laggard else other.next + 4
    begin, end = laggard.next, laggard.end
    helper = segments.take(8)
    assert end - begin == 12
    assert (laggard.end, helper and (helper.next, helper.end)) == (begin + 6, (begin + 6, end))


def test_a_chunk_that_is_written_in_part_begins_a_request_of_its_own() -> None:
    segments = Segments(ChunkLayout(50, 10), {0: 10, 2: 5}, 16)
    taken = [(segment.next, segment.end) for segment in iter(lambda: segments.take(1), None)]
    assert taken[0] == (1, 2)
    assert taken[1][0] == 2
