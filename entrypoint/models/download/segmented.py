"""A: downloads one file over several connections: a range request per segment, the hash close behind."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from entrypoint.models.download.chunks import ChunkLayout
from entrypoint.models.download.hasher import Hasher
from entrypoint.models.download.part_file import PartFile, SegmentWriter
from entrypoint.models.download.remote_file import RemoteFile
from entrypoint.models.download.resolve import Resolved
from entrypoint.models.download.segments import Segment, Segments
from entrypoint.models.errors import DiskError, DownloadError, RangesRefused, RetryableError, UpstreamChanged
from entrypoint.models.transport.response_rules import check_range, check_status
from entrypoint.models.transport.retry import StallDetector


class SegmentedDownload:
    """Fills a part file from an origin that serves ranges."""

    def __init__(self, remote: RemoteFile, part: PartFile, layout: ChunkLayout) -> None:
        self._remote, self._part, self._layout = remote, part, layout
        self._hasher = Hasher(part, layout)
        self._refused: Resolved | None = None
        longest = max(remote.session.limits.span // layout.chunk, 1)
        self._segments = Segments(layout, part.done, longest)

    async def run(self) -> str:
        """Download all missing chunks; returns the sha256 of the whole file.

        Raises DownloadError: it can't be downloaded; RangesRefused, UpstreamChanged: the download has to begin anew.
        """
        try:
            async with asyncio.TaskGroup() as group:
                digest = group.create_task(self._hasher.run())
                for _ in range(min(self._remote.session.limits.connections, len(self._segments))):
                    group.create_task(self._worker())
        except BaseExceptionGroup as problems:
            raise _worst(problems) from None
        return digest.result()

    async def _worker(self) -> None:
        """Works through segments; the worker whose segment fails retries it."""
        session = self._remote.session
        while True:
            await session.rate_limit.wait_for_hours()
            segment: Segment | None = None
            async for attempt in self._remote.attempts():
                with attempt:
                    async with session.pool.slot():
                        segment = segment or self._segments.take(session.pool.size)
                        if segment is None:
                            return
                        await self._download(segment)
            if segment is not None:
                self._segments.finished(segment)

    async def _download(self, segment: Segment) -> None:
        """Download the missing bytes of a segment, in one request."""
        remote, pool = self._remote, self._remote.session.pool
        resolved = await remote.resolve()
        writer = SegmentWriter(self._part, self._layout, segment, remote.session.limits.step)
        if writer.left <= 0:
            return
        span, began = (writer.offset, writer.requested_end), time.monotonic()
        try:
            async with remote.get(resolved, Range=f"bytes={span[0]}-{span[1] - 1}") as response:
                if response.status == 416 or (response.status == 403 and self._is_refused_anew(resolved)):
                    raise RangesRefused
                check_status(response.status, response.headers, signed=True, now=datetime.now(UTC))
                etag = None if resolved.sha256 else resolved.etag  # servers of one file may have one each
                check_range(response.headers, response.status, span, self._layout.size, etag)
                responded = time.monotonic()
                pool.responded(responded - began)
                stall = StallDetector(remote.session.limits, responded)
                async for count in response.stream_to(writer.write):
                    self._hasher.notify()
                    remote.transfer.add(count)
                    pool.received(count)
                    stall.received(count, time.monotonic())
                    if writer.left <= 0 and writer.offset < span[1]:
                        break  # another connection has stolen the rest
                    await remote.session.rate_limit.spend(count)
            if writer.left > 0:
                raise RetryableError(f"{writer.left} bytes less than requested")
        finally:
            writer.record()
            self._hasher.notify()

    def _is_refused_anew(self, resolved: Resolved) -> bool:
        """Whether an address was refused, and the one that it was resolved to again is, too: some origins answer ranges
        with 403. A signature that has expired is refused once."""
        before, self._refused = self._refused, resolved
        anew = before is not None and before is not resolved  # it may be equal
        return anew and not self._remote.transfer.received


def _worst(problems: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure that says most: the disk's, then a final one, then the rest."""
    for kind in (DiskError, DownloadError, UpstreamChanged, RangesRefused):
        for problem in problems.exceptions:
            if isinstance(problem, kind):
                return problem
    return problems.exceptions[0]
