"""A: one file's source: where it is right now, and patience with whoever serves it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeVar

from entrypoint.models.catalogue.manifest import File
from entrypoint.models.download.connections import Crew
from entrypoint.models.download.rate_limit import Throttle
from entrypoint.models.download.resolve import Resolved, resolve
from entrypoint.models.progress import Transfer
from entrypoint.models.sources.lookup import look_up
from entrypoint.models.sources.registry import Tokens, address_of, shown
from entrypoint.models.transport.client import Wire
from entrypoint.models.transport.response import Answer
from entrypoint.models.transport.response_rules import Again, Failed, UpstreamChanged
from entrypoint.models.transport.retry import Limits, Patience

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Line:
    """What all fetches share.

    Attributes:
        wire: All connections.
        tokens: Which login goes where.
        hub: HF_ENDPOINT.
        limits: How to behave.
        throttle: The user's limits.
        crew: A place for each connection that may be open.
    """

    wire: Wire
    tokens: Tokens
    hub: str
    limits: Limits
    throttle: Throttle
    crew: Crew


class Source:
    """Where one file comes from.

    Attributes:
        file: Which.
        line: What all fetches share.
        transfer: Its progress, which renews the patience.
        shown: Its address, fit for a log.
    """

    def __init__(self, line: Line, file: File, transfer: Transfer) -> None:
        self.line, self.file, self.transfer = line, file, transfer
        self._url = address_of(file, line.hub)
        self.shown = shown(self._url)
        self._resolved: Resolved | None = None
        self._looked_up: tuple[str, str] | None = None
        self._fresh = asyncio.Lock()

    async def resolve(self) -> Resolved:
        """Where it is and what it is, asked as often as it takes."""
        if self._resolved is None:
            self._resolved = await self.patiently(self._ask)
        return self._resolved

    async def _ask(self) -> Resolved:
        line = self.line
        if self._looked_up is None:
            self._looked_up = await look_up(line.wire, self.file, line.tokens)
        url, sha256 = self._looked_up
        return await resolve(line.wire, url or self._url, self.file, line.tokens, sha256)

    def forget(self) -> None:
        """What was resolved is of no use any more."""
        self._resolved = self._looked_up = None

    def get(self, resolved: Resolved, ask: dict[str, str]) -> AbstractAsyncContextManager[Answer]:
        return self.line.wire.get(resolved.url, ask)

    async def patiently(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Try until it works, the budget is used up, or it can't work.

        Raises:
            Failed: One of the latter two.
        """
        try:
            return await self._try(work)
        except Again as error:
            return await self._again(work, error)

    async def _again(self, work: Callable[[], Awaitable[Result]], first: Again) -> Result:
        """After the first failure."""
        # A tenth of the time to the first byte, with the tornado that it brings, and most files need none of it.
        from tenacity import AsyncRetrying, retry_if_exception_type

        patience = Patience(self.line.limits, lambda: self.transfer.reached, random.random)
        failed = [first]

        async def attempt() -> Result:
            if failed:  # it has been made
                raise failed.pop()
            return await self._try(work)

        tries = AsyncRetrying(
            retry=retry_if_exception_type(Again), stop=patience.stop, wait=patience.wait, reraise=True
        )
        try:
            return await tries(attempt)
        except Again as error:
            reason = f"{error}, again and again, at {self.shown}"
            remedy, after = "try again later: what has arrived is kept", error.after or 0.0
            raise Failed("OriginFails", reason, remedy, temporary=True, after=after) from None

    async def _try(self, work: Callable[[], Awaitable[Result]]) -> Result:
        before = self._resolved
        try:
            return await work()
        except Again as error:
            self.transfer.trouble(str(error))
            if error.resolve and before is not None:
                await self._resolve_again(before)
            raise
        except Failed:
            raise
        except OSError as error:
            reason = " ".join(f"{type(error).__name__} {error}".split())[:200]
            self.transfer.trouble(reason)
            raise Again(reason) from error

    async def _resolve_again(self, stale: Resolved) -> None:
        """Ask for the address again, once for all connections that found it stale.

        Raises:
            UpstreamChanged: It leads to another file now.
            Again: It can't be asked for right now.
        """
        async with self._fresh:
            if self._resolved is not stale:
                return
            try:
                new = await self._ask()
            except Failed:
                raise
            except OSError as error:
                raise Again(f"{type(error).__name__} while asking for the address again") from error
            same = new.sha256 == stale.sha256 if stale.sha256 else new.etag == stale.etag
            if (new.size, new.ranges) != (stale.size, stale.ranges) or not same:
                raise UpstreamChanged
            self._resolved = new


class Slowness:
    """A connection that drips never times out by itself."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._since, self._count = time.monotonic(), 0

    def got(self, count: int) -> None:
        self._count += count
        now = time.monotonic()
        if now - self._since >= self._limits.stall_timeout:
            if self._count < self._limits.slowest:
                raise Again(f"only {self._count} bytes in {now - self._since:.0f} s")
            self._since, self._count = now, 0
