"""A: one file over several connections: a range request per chunk, the hash close behind."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from entrypoint.models.download.chunks import Plan
from entrypoint.models.download.hasher import HashBehind
from entrypoint.models.download.part_file import Part
from entrypoint.models.download.place import Place
from entrypoint.models.download.remote_file import Slowness, Source
from entrypoint.models.download.resolve import ASK
from entrypoint.models.download.segments import Claim, Claims
from entrypoint.models.transport.response_rules import (
    Again,
    DiskTrouble,
    Failed,
    RangesRefused,
    UpstreamChanged,
    check_range,
    judge,
)


class Ranges:
    """Fills a part from a source that serves ranges."""

    def __init__(self, source: Source, part: Part, plan: Plan) -> None:
        self._source, self._part, self._plan = source, part, plan
        self._hash = HashBehind(part, plan)
        longest = max(source.line.limits.span // plan.chunk, 1)
        self._claims = Claims(plan, part.done, longest)

    async def run(self) -> str:
        """All that is missing; the sha256 of everything.

        Raises:
            Failed: It can't be had.
            RangesRefused, UpstreamChanged: It has to begin anew.
        """
        workers = min(self._source.line.limits.connections, len(self._claims))
        try:
            async with asyncio.TaskGroup() as group:
                digest = group.create_task(self._hash.run())
                for _ in range(workers):
                    group.create_task(self._worker())
        except BaseExceptionGroup as problems:
            raise _worst(problems) from None
        return digest.result()

    async def _worker(self) -> None:
        """Claim after claim; one that fails is gone on with, by whoever had it."""
        hand: list[Claim] = []

        async def work() -> bool:
            async with self._source.line.crew.place():
                if not hand:
                    claim = self._claims.take(self._source.line.crew.size)
                    if claim is None:
                        return False
                    hand.append(claim)
                await self._fetch(hand[0])
            self._claims.finished(hand.pop())
            return True

        more = True
        while more:
            await self._source.line.throttle.permission()
            more = await self._source.patiently(work)

    async def _fetch(self, claim: Claim) -> None:
        """What is missing of a claim, in one request."""
        source, crew = self._source, self._source.line.crew
        resolved = await source.resolve()
        place = Place(self._part, self._plan, claim, source.line.limits.step)
        if place.left <= 0:
            return
        asked = place.offset + place.left
        ask = {**ASK, **resolved.login, "Range": f"bytes={place.offset}-{asked - 1}"}
        began = time.monotonic()

        def put(data: memoryview) -> int:
            if place.offset + len(data) > asked:
                raise Again("more bytes than asked for")
            return place.put(data)

        try:
            async with source.get(resolved, ask) as answer:
                judge(answer.status, answer.headers, signed=True, now=datetime.now(UTC))
                check_range(answer.headers, answer.status, (place.offset, asked), self._plan.size, resolved.etag)
                crew.answered(time.monotonic() - began)
                watch = Slowness(source.line.limits)
                async for count in answer.pour(put):
                    self._hash.moved()
                    source.transfer.add(count)
                    crew.got(count)
                    watch.got(count)
                    if place.left <= 0 and place.offset < asked:
                        break  # another connection has taken over the rest
                    await source.line.throttle.took(count)
            if place.left > 0:
                raise Again(f"{place.left} bytes less than asked for")
        finally:
            place.note()
            self._hash.moved()


def _worst(problems: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one that says most: the disk's, then what is final, then the rest."""
    order = (DiskTrouble, Failed, UpstreamChanged, RangesRefused)
    for kind in order:
        for problem in problems.exceptions:
            if isinstance(problem, kind):
                return problem
    return problems.exceptions[0]
