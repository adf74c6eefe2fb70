"""A: one file over several connections: a range request per chunk, the hash close behind."""

from __future__ import annotations

import asyncio
import hashlib
import time
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
from entrypoint.models.claims import Claim, Claims
from entrypoint.models.place import Place, finish
from entrypoint.models.resolve import ASK
from entrypoint.models.source import Slowness, Source
from entrypoint.models.staging import Part

_HASH_BLOCK = 4 << 20  # two hand-overs of the interpreter's lock each
_HASH_AT_ONCE = 64 << 20  # a stop waits for the thread


class Ranges:
    """Fills a part from a source that serves ranges."""

    def __init__(self, source: Source, part: Part, plan: Plan) -> None:
        self._source, self._part, self._plan = source, part, plan
        self._moved = asyncio.Event()
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
                digest = group.create_task(self._hash_behind())
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

        def put(pieces: list[bytes]) -> int:
            if place.offset + sum(map(len, pieces)) > asked:
                raise Again("more bytes than asked for")
            return place.put(pieces)

        try:
            async with source.get(resolved, ask) as answer:
                judge(answer.status, answer.headers, signed=True, now=datetime.now(UTC))
                check_range(
                    answer.headers, answer.status, (place.offset, asked), self._plan.size, resolved.etag
                )
                crew.answered(time.monotonic() - began)
                watch = Slowness(source.line.limits)
                async for count in answer.pour(put):
                    self._moved.set()
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
            self._moved.set()

    async def _hash_behind(self) -> str:
        """sha256 of everything, read back in order as soon as it is there, in a thread."""
        part, plan, moved = self._part, self._plan, self._moved
        digest, hashed, buffer = hashlib.sha256(), 0, memoryview(bytearray(_HASH_BLOCK))

        def feed(start: int, end: int) -> None:
            began = start
            while start < end:
                count = part.read_into(buffer[: min(len(buffer), end - start)], start)
                if not count:
                    raise DiskTrouble(
                        "VolumeRefuses", "the part file is shorter than it was", "look at the volume"
                    )
                digest.update(buffer[:count])
                start += count
            part.begin_writing(began, end)

        while hashed < plan.size:
            moved.clear()
            there = min(plan.frontier(part.done, hashed), hashed + _HASH_AT_ONCE)
            if there > hashed:
                await finish(asyncio.get_running_loop().run_in_executor(None, feed, hashed, there))
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
