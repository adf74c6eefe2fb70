"""A: where one connection is in its claim: what it has written, and told the journal."""

from __future__ import annotations

import asyncio
from typing import Any

from entrypoint.models.chunks import Plan
from entrypoint.models.claims import Claim
from entrypoint.models.staging import Part


class Place:
    """Between the socket and the part.

    Attributes:
        offset: The byte behind the last one written.
    """

    def __init__(self, part: Part, plan: Plan, claim: Claim, step: int) -> None:
        """`step`: bytes after which the journal is told."""
        self._part, self._plan, self._claim, self._step = part, plan, claim, step
        self.offset = self._noted = plan.span(claim.next)[0] + part.done.get(claim.next, 0)

    @property
    def left(self) -> int:
        """Bytes to the end of the claim, as it is now."""
        return self._plan.span(self._claim.end - 1)[1] - self.offset

    def put(self, pieces: list[bytes]) -> int:
        """Write what is the claim's of them; how many bytes that is."""
        count, left = sum(map(len, pieces)), max(self.left, 0)
        if count > left:
            pieces, count = [b"".join(pieces)[:left]], left
        self._part.write(self.offset, pieces)
        self.offset += count
        if self.offset - self._noted >= self._step:
            self.note()
        return count

    def note(self) -> None:
        """Whole chunks, and how much of the one it is at."""
        claim, plan = self._claim, self._plan
        if self.offset == self._noted:
            return
        while claim.next < claim.end and self.offset >= plan.span(claim.next)[1]:
            self._part.note(claim.next, plan.length(claim.next))
            claim.next += 1
        first = plan.span(claim.next)[0] if claim.next < claim.end else self.offset
        if self.offset > first:
            self._part.note(claim.next, self.offset - first)
        self._noted = self.offset


async def finish(work: asyncio.Future[Any]) -> None:
    """Wait for a thread's work to its very end, also when cancelled: it uses files that are closed after that."""
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        work.exception()  # seen: asyncio would tell of one that nobody asked for
        raise cancelled
    work.result()
