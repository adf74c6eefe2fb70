"""A: one file as one stream, where parts of it can't be asked for; nothing of it can be resumed."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from entrypoint.models.download.part_file import Part
from entrypoint.models.download.remote_file import Slowness, Source
from entrypoint.models.download.resolve import ASK, Resolved
from entrypoint.models.transport.response import Answer
from entrypoint.models.transport.response_rules import Again, Failed, judge


async def stream(source: Source, part: Part) -> tuple[int, str]:
    """From the first byte to the last, where parts can't be had; (size, sha256)."""
    resolved = await source.resolve()
    await source.line.throttle.permission()
    source.transfer.begin(resolved.size or 0, 0)
    digest, offset = hashlib.sha256(), 0

    def put(data: memoryview) -> int:
        nonlocal offset
        if resolved.size is not None and offset + len(data) > resolved.size:
            raise Again(f"more than the {resolved.size} bytes it should have")
        part.write(offset, data)
        digest.update(data)
        offset += len(data)
        return len(data)

    async with source.line.crew.place(), source.get(resolved, {**ASK, **resolved.login}) as answer:
        judge(answer.status, answer.headers, signed=True, now=datetime.now(UTC))
        _check(answer, resolved)
        watch = Slowness(source.line.limits)
        async for count in answer.pour(put):
            source.transfer.add(count)
            watch.got(count)
            await source.line.throttle.took(count)
    if not offset or (resolved.size is not None and offset != resolved.size):
        raise Again(f"it ended after {offset} bytes of {resolved.size or 'an unknown number'}")
    return offset, digest.hexdigest()


def _check(answer: Answer, resolved: Resolved) -> None:
    if answer.status != 200:
        raise Again(f"asked for the whole file, got HTTP {answer.status}", resolve=True)
    if answer.headers.get("ETag", "") != resolved.etag:
        raise Again("the ETag is another one now", resolve=True)
    if not resolved.framed and not resolved.size and not resolved.sha256:
        reason = "neither its length nor its hash can be learned: a truncated file could not be told"
        raise Failed("CannotVerify", reason, "give `size` or `sha256` in the manifest")
