"""A: downloads one file as one stream, where its origin serves no ranges; nothing of it can be resumed."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from entrypoint.models.download.part_file import PartFile, WholeWriter
from entrypoint.models.download.remote_file import RemoteFile
from entrypoint.models.errors import DownloadError, RetryableError
from entrypoint.models.transport.response_rules import check_encoding, check_status
from entrypoint.models.transport.retry import StallDetector


async def download_whole(remote: RemoteFile, part: PartFile) -> tuple[int, str]:
    """Download from the first byte to the last; returns (size, sha256).

    Raises DownloadError: the file can't be downloaded; UpstreamChanged: the download has to begin anew.
    """
    result = 0, ""
    async for attempt in remote.attempts():
        with attempt:
            result = await _stream(remote, part)
    return result


async def _stream(remote: RemoteFile, part: PartFile) -> tuple[int, str]:
    session = remote.session
    resolved = await remote.resolve()
    await session.rate_limit.wait_for_hours()
    remote.transfer.start(resolved.size or 0, 0)
    writer = WholeWriter(part, resolved.size)
    async with session.pool.slot(), remote.get(resolved) as response:
        check_status(response.status, response.headers, signed=True, now=datetime.now(UTC))
        if response.status != 200:
            raise RetryableError(f"requested the whole file, got HTTP {response.status}", resolve=True)
        check_encoding(response.headers)
        if not resolved.framed and not resolved.size and not resolved.sha256:
            reason = "its origin gives neither length nor hash: a truncated file would go unnoticed"
            raise DownloadError("CannotVerify", reason, "give `size` or `sha256` in the manifest")
        stall = StallDetector(session.limits, time.monotonic())
        async for count in response.stream_to(writer.write):
            remote.transfer.add(count)
            stall.received(count, time.monotonic())
            await session.rate_limit.spend(count)
    if not writer.offset or (resolved.size is not None and writer.offset != resolved.size):
        what = f"it ended after {writer.offset} bytes of {resolved.size or 'an unknown number'}"
        raise RetryableError(what, resolve=True)
    return writer.offset, writer.digest.hexdigest()
