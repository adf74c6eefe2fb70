"""A: where one connection is in its claim: what it has received, written, and told the journal.

What comes in is written by a thread, some pieces at a time: the loop that reads all sockets would otherwise be held
by every write, and be what limits a fast line.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from entrypoint.models.chunks import Plan
from entrypoint.models.claims import Claim
from entrypoint.models.staging import Part

#: Pieces are written when there are so many, or after so many seconds: what a kill may cost a connection.
_MOST_PIECES, _LONGEST_S = 256, 0.25


class Place:
    """Between the socket and the part.

    Attributes:
        offset: The byte behind the last one received.
    """

    def __init__(self, part: Part, plan: Plan, claim: Claim, step: int, moved: Callable[[], None]) -> None:
        """`step`: bytes to write at once; `moved`: called when the journal says more."""
        self._part, self._plan, self._claim, self._step, self._moved = part, plan, claim, step, moved
        self.offset = self._written = self._noted = plan.span(claim.next)[0] + part.done.get(claim.next, 0)
        self._held: list[bytes] = []
        self._since = time.monotonic()

    @property
    def left(self) -> int:
        """Bytes to the end of the claim, as it is now."""
        return self._plan.span(self._claim.end - 1)[1] - self.offset

    @property
    def due(self) -> bool:
        """Whether it is time to write."""
        return (
            self.offset - self._written >= self._step
            or len(self._held) >= _MOST_PIECES
            or time.monotonic() - self._since >= _LONGEST_S
        )

    def take(self, piece: bytes) -> int:
        """Keep what is the claim's of a piece; how many bytes that is."""
        piece = piece[: max(self.left, 0)]
        if piece:
            self._held.append(piece)
            self.offset += len(piece)
        return len(piece)

    async def write_soon(self) -> None:
        """Write all that is held in a thread, then tell the journal."""
        await finish(asyncio.get_running_loop().run_in_executor(None, self._write))
        self._note()

    def write_now(self) -> None:
        """The same, here and at once: the last words of a connection that ends."""
        self._write()
        self._note()

    def _write(self) -> None:
        pieces, self._held = self._held, []
        if pieces:
            self._part.write(self._written, pieces)
            self._written += sum(len(piece) for piece in pieces)
        self._since = time.monotonic()

    def _note(self) -> None:
        """Whole chunks, and how much of the one it is at."""
        claim, plan = self._claim, self._plan
        if self._written == self._noted:
            return
        while claim.next < claim.end and self._written >= plan.span(claim.next)[1]:
            self._part.note(claim.next, plan.length(claim.next))
            claim.next += 1
        first = plan.span(claim.next)[0] if claim.next < claim.end else self._written
        if self._written > first:
            self._part.note(claim.next, self._written - first)
        self._noted = self._written
        self._moved()


async def finish(work: asyncio.Future[Any]) -> None:
    """Wait for a thread's work to its very end, also when cancelled: it uses files that are closed after that."""
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        raise cancelled
    work.result()
