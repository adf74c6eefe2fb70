"""P: which connection fetches what of one file: runs of chunks in file order, smaller towards the end.

A request costs a round trip, so it is for many chunks; but the last ones would leave all connections but a few idle.
So claims get smaller as the rest does (guided self-scheduling), and who finds nothing left takes over the second half
of what the one furthest behind still has before it. The first ones are short as well: the hash goes in file order, and
beside the first of many long claims it would have next to nothing to do until all of them are there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from entrypoint.models.download.chunks import Plan

#: Less is not worth a new connection: what is under way on the old one is thrown away.
_WORTH_TAKING_OVER = 4
#: Chunks of the first claims; then as many as each connection has had so far.
_FIRST = 4


@dataclass(slots=True, eq=False)
class Claim:
    """Chunks one connection fetches, in order.

    Attributes:
        next: The chunk it is at.
        end: The chunk behind its last one; somebody else may take over from there at any time.
    """

    next: int
    end: int


class Claims:
    """What is left to be claimed, and who is at work."""

    def __init__(self, plan: Plan, done: Mapping[int, int], longest: int) -> None:
        """`longest`: chunks of a claim, at most."""
        self._runs = deque(_runs(plan, done))
        self._left = sum(run.end - run.next for run in self._runs)
        self._longest, self._claimed = longest, 0
        self._active: list[Claim] = []

    def __len__(self) -> int:
        """Chunks that nobody has claimed."""
        return self._left

    def take(self, workers: int) -> Claim | None:
        """The next one; None: there is nothing left to help with.

        Args:
            workers: How many share the rest.
        """
        claim = self._fresh(workers) if self._runs else self._taken_over()
        if claim is not None:
            self._active.append(claim)
        return claim

    def finished(self, claim: Claim) -> None:
        self._active.remove(claim)

    def _fresh(self, workers: int) -> Claim:
        run = self._runs[0]
        workers = max(workers, 1)
        early, late = max(self._claimed // workers, _FIRST), max(self._left // (2 * workers), 1)
        count = min(early, late, self._longest, run.end - run.next)
        claim = Claim(run.next, run.next + count)
        run.next += count
        self._left -= count
        self._claimed += count
        if run.next == run.end:
            self._runs.popleft()
        return claim

    def _taken_over(self) -> Claim | None:
        laggard = max(self._active, key=lambda claim: claim.end - claim.next, default=None)
        if laggard is None or laggard.end - laggard.next < _WORTH_TAKING_OVER:
            return None
        middle = (laggard.next + laggard.end + 1) // 2
        claim = Claim(middle, laggard.end)
        laggard.end = middle
        return claim


def _runs(plan: Plan, done: Mapping[int, int]) -> list[Claim]:
    """Missing chunks without a gap; one that is there in part begins a run, so that its rest is asked for alone."""
    runs: list[Claim] = []
    for index in plan.missing(done):
        if runs and runs[-1].end == index and not done.get(index):
            runs[-1].end = index + 1
        else:
            runs.append(Claim(index, index + 1))
    return runs
