"""A: one file over several connections: a range request per chunk, the hash close behind."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime

from entrypoint.models.answers import (
    Again,
    DiskTrouble,
    Failed,
    RangesRefused,
    UpstreamChanged,
    check_range,
    judge,
)
from entrypoint.models.chunks import Plan
from entrypoint.models.resolve import ASK
from entrypoint.models.source import Slowness, Source
from entrypoint.models.staging import Part

_HASH_BLOCK = 1 << 20
_HASH_AT_ONCE = 64 << 20  # a stop waits for the thread


class Ranges:
    """Fills a part from a source that serves ranges."""

    def __init__(self, source: Source, part: Part, plan: Plan) -> None:
        self._source, self._part, self._plan = source, part, plan
        self._moved = asyncio.Event()

    async def run(self) -> str:
        """All that is missing; the sha256 of everything.

        Raises:
            Failed: It can't be had.
            RangesRefused, UpstreamChanged: It has to begin anew.
        """
        todo = self._plan.missing(self._part.done)[::-1]

        async def worker() -> None:
            while todo:
                index = todo.pop()
                await self._source.line.throttle.permission()
                await self._source.patiently(lambda index=index: self._chunk(index))  # type: ignore[misc]

        try:
            async with asyncio.TaskGroup() as group:
                digest = group.create_task(self._hash_behind())
                for _ in range(min(self._source.line.limits.connections, len(todo))):
                    group.create_task(worker())
        except BaseExceptionGroup as problems:
            raise _worst(problems) from None
        return digest.result()

    async def _chunk(self, index: int) -> None:
        """What is missing of one chunk."""
        source, part, plan = self._source, self._part, self._plan
        resolved = await source.resolve()
        first, end = plan.span(index)
        offset = noted = first + part.done.get(index, 0)
        try:
            ask = {**ASK, **resolved.login, "Range": f"bytes={offset}-{end - 1}"}
            async with source.line.slots, source.get(resolved, ask) as answer:
                judge(answer.status, answer.headers, signed=True, now=datetime.now(UTC))
                check_range(answer.headers, answer.status, (offset, end), plan.size, resolved.etag)
                watch = Slowness(source.line.limits)
                async for piece in answer.content.iter_any():
                    if offset + len(piece) > end:
                        raise Again("more bytes than asked for")
                    part.write(offset, piece)
                    offset += len(piece)
                    source.transfer.add(len(piece))
                    if offset - noted >= source.line.limits.step:
                        part.note(index, offset - first)
                        noted = offset
                        self._moved.set()
                    watch.got(len(piece))
                    await source.line.throttle.took(len(piece))
            if offset != end:
                raise Again(f"{end - offset} bytes less than asked for")
        finally:
            if offset != noted:
                part.note(index, offset - first)
                self._moved.set()

    async def _hash_behind(self) -> str:
        """sha256 of everything, read back in order as soon as it is there, in a thread."""
        part, plan, moved = self._part, self._plan, self._moved
        digest, hashed, buffer = hashlib.sha256(), 0, memoryview(bytearray(_HASH_BLOCK))

        def feed(start: int, end: int) -> None:
            while start < end:
                count = part.read_into(buffer[: min(len(buffer), end - start)], start)
                if not count:
                    raise DiskTrouble(
                        "VolumeRefuses", "the part file is shorter than it was", "look at the volume"
                    )
                digest.update(buffer[:count])
                start += count

        while hashed < plan.size:
            moved.clear()
            there = min(plan.frontier(part.done, hashed), hashed + _HASH_AT_ONCE)
            if there > hashed:
                await asyncio.to_thread(feed, hashed, there)
                hashed = there
            else:
                await moved.wait()
        return digest.hexdigest()


def _worst(problems: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one that says most: the disk's, then what is final, then the rest."""
    order = (DiskTrouble, Failed, UpstreamChanged, RangesRefused)
    for kind in order:
        for problem in problems.exceptions:
            if isinstance(problem, kind):
                return problem
    return problems.exceptions[0]
