"""A: where one connection is in its claim: what it has written, and told the journal."""

from __future__ import annotations

from entrypoint.models.download.chunks import Plan
from entrypoint.models.download.part_file import Part
from entrypoint.models.download.segments import Claim


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

    def put(self, data: memoryview) -> int:
        """Write what is the claim's of it; how many bytes that is."""
        data = data[: max(self.left, 0)]
        self._part.write(self.offset, data)
        self.offset += len(data)
        if self.offset - self._noted >= self._step:
            self.note()
        return len(data)

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
