"""P: the segments of one file: which connection downloads which chunks, in file order, smaller towards the end.

A request costs a round trip, so it is for many chunks; but the last ones would leave all connections but a few idle.
So segments get smaller as the rest does (guided self-scheduling), and a connection that finds no segment left steals
the second half of the one that is furthest behind (work stealing). The first ones are short as well: the hash goes in
file order, and beside the first of many long segments it would have next to nothing to do until all are written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from entrypoint.models.download.chunks import ChunkLayout

#: Fewer chunks are not worth a new connection: the bytes under way on the old one are thrown away.
_WORTH_STEALING = 4
#: Chunks of the first segments; then as many as each connection has had so far.
_FIRST = 4


@dataclass(slots=True, eq=False)
class Segment:
    """Chunks that one connection downloads, in order."""

    next: int  # the chunk it is at
    end: int  # the chunk behind its last one; another connection may steal from there at any time


class Segments:
    """The segments that are left, and those being downloaded."""

    def __init__(self, layout: ChunkLayout, done: Mapping[int, int], longest: int) -> None:
        """`longest`: chunks of a segment, at most."""
        self._runs = deque(_runs(layout, done))
        self._left = sum(run.end - run.next for run in self._runs)
        self._longest, self._taken = longest, 0
        self._active: list[Segment] = []

    def __len__(self) -> int:
        """Chunks that no connection has taken."""
        return self._left

    def take(self, connections: int) -> Segment | None:
        """The next segment; None: there is nothing left to help with. `connections`: how many share the rest."""
        segment = self._fresh(connections) if self._runs else self._stolen()
        if segment is not None:
            self._active.append(segment)
        return segment

    def finished(self, segment: Segment) -> None:
        """Nothing can be stolen from the segment any more."""
        self._active.remove(segment)

    def _fresh(self, connections: int) -> Segment:
        run = self._runs[0]
        connections = max(connections, 1)
        early, late = max(self._taken // connections, _FIRST), max(self._left // (2 * connections), 1)
        count = min(early, late, self._longest, run.end - run.next)
        segment = Segment(run.next, run.next + count)
        run.next += count
        self._left -= count
        self._taken += count
        if run.next == run.end:
            self._runs.popleft()
        return segment

    def _stolen(self) -> Segment | None:
        laggard = max(self._active, key=lambda segment: segment.end - segment.next, default=None)
        if laggard is None or laggard.end - laggard.next < _WORTH_STEALING:
            return None
        middle = (laggard.next + laggard.end + 1) // 2
        segment = Segment(middle, laggard.end)
        laggard.end = middle
        return segment


def _runs(layout: ChunkLayout, done: Mapping[int, int]) -> list[Segment]:
    """Missing chunks without a gap; one that is written in part begins a run, so that its rest is requested alone."""
    runs: list[Segment] = []
    for index in layout.missing(done):
        if runs and runs[-1].end == index and not done.get(index):
            runs[-1].end = index + 1
        else:
            runs.append(Segment(index, index + 1))
    return runs
