"""A: one file at its source: its resolved address, and the attempts to download from it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from entrypoint.models.download.connections import ConnectionPool
from entrypoint.models.download.rate_limit import RateLimit
from entrypoint.models.download.resolve import HEADERS, Resolved, resolve, web_page
from entrypoint.models.errors import DownloadError, RetryableError, UpstreamChanged
from entrypoint.models.progress import Transfer
from entrypoint.models.sources.registry import Sources, login_remedy, source_of
from entrypoint.models.sources.tokens import Tokens
from entrypoint.models.transport.address import without_query
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.limits import Limits
from entrypoint.models.transport.response import Response
from entrypoint.models.transport.retry import RetryPolicy
from entrypoint.settings.parsing import without_login

_LARGEST_JSON = 4 << 20


@dataclass(frozen=True, slots=True)
class Session:
    """What all downloads of a run share."""

    client: HttpClient
    sources: Sources
    tokens: Tokens
    limits: Limits
    rate_limit: RateLimit
    pool: ConnectionPool


class RemoteFile:
    """One file at its source.

    `transfer`: the file, and its progress, which renews the attempts; `shown`: its address, fit for a log.
    """

    def __init__(self, session: Session, transfer: Transfer) -> None:
        self.session, self.transfer = session, transfer
        self._source = source_of(transfer.file, session.sources)
        self._url = self._source.address(transfer.file)
        self.shown = without_query(self._url)
        session.client.allow(self._url, self._source.home, self._source.api)
        self._resolved: Resolved | None = None
        self._looked_up: tuple[str, str] | None = None
        self._resolving = asyncio.Lock()

    async def resolve(self) -> Resolved:
        """The file's last address and facts; resolved once, with as many attempts as it takes.

        Raises DownloadError: it can't be resolved.
        """
        if self._resolved is None:
            async for attempt in self.attempts():
                with attempt:
                    self._resolved = await self._resolve_once()
        return self._resolved  # type: ignore[return-value] # the loop ends with an address or raises

    def forget(self) -> None:
        """Drop the resolved address: it is useless now."""
        self._resolved = self._looked_up = None

    def get(self, resolved: Resolved, **headers: str) -> AbstractAsyncContextManager[Response]:
        """Request the file at its resolved address."""
        return self.session.client.get(resolved.url, {**HEADERS, **resolved.login, **headers})

    def attempts(self) -> Attempts:
        """Attempts of one piece of work on this file."""
        return Attempts(self)

    def web_page(self) -> DownloadError:
        """The failure of an origin that sends a web page under the file's type."""
        return DownloadError("GotAWebPage", *web_page(self._url, login_remedy(self._url, self.session.sources)))

    async def after_failure(self, error: RetryableError | OSError, used: Resolved | None) -> RetryableError:
        """Note a failure, and resolve the address again where the failure asks for it; returns what the policy judges.

        `used`: the address when the attempt began. Raises UpstreamChanged: the address leads to another file now;
        DownloadError: the address can't be resolved any more.
        """
        if isinstance(error, OSError):
            # libcurl quotes the address of a proxy that it cannot use.
            text = without_login(" ".join(f"{type(error).__name__} {error}".split()))
            error = RetryableError(text[:200])
        self.transfer.retrying(str(error))
        if error.resolve and used is not None:
            try:
                await self._resolve_again(used)
            except RetryableError as again:
                return again
            except OSError as network:
                return RetryableError(f"{type(network).__name__} while the address was resolved again")
        return error

    async def _resolve_again(self, stale: Resolved) -> None:
        """Once for all connections that found the address stale."""
        async with self._resolving:
            if self._resolved is not stale:
                return
            new = await self._resolve_once()
            same = new.sha256 == stale.sha256 if stale.sha256 else new.etag == stale.etag
            if (new.size, new.ranges) != (stale.size, stale.ranges) or not same:
                raise UpstreamChanged
            self._resolved = new

    async def _resolve_once(self) -> Resolved:
        session, file, source = self.session, self.transfer.file, self._source
        if self._looked_up is None:
            has_token = bool(source.api and session.tokens.headers(source.api, source.api))
            self._looked_up = await source.look_up(file, self.ask_json, has_token=has_token)
        url, sha256 = self._looked_up
        return await resolve(session.client, url or self._url, file, session.sources, session.tokens, sha256)

    async def ask_json(self, url: str) -> Any:
        """The JSON at a source's API, or None. No redirect is followed: the login stays at the API."""
        headers = {"Accept": "application/json", **self.session.tokens.headers(url, url)}
        try:
            async with self.session.client.get(url, headers) as response:
                return json.loads(await response.read(_LARGEST_JSON)) if response.status == 200 else None
        except (OSError, ValueError):
            return None


class Attempt:
    """One attempt: `with attempt:` keeps a failure that another attempt may cure; others pass."""

    def __init__(self) -> None:
        self.error: RetryableError | OSError | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> bool:
        self.error = error if isinstance(error, RetryableError | OSError) else None
        return self.error is not None


class Attempts:
    """`async for attempt in remote.attempts(): with attempt: ...`: until one succeeds or the policy gives up.

    Raises DownloadError: the policy gave up, or the failure is final.
    """

    def __init__(self, remote: RemoteFile) -> None:
        self._remote = remote
        self._attempt: Attempt | None = None
        self._used: Resolved | None = None
        self._retrying: AsyncIterator[Any] | None = None
        self._manager: Any = None

    def __aiter__(self) -> Attempts:
        return self

    async def __anext__(self) -> Attempt:
        if self._attempt is not None:
            if self._attempt.error is None:
                raise StopAsyncIteration
            await self._wait(await self._remote.after_failure(self._attempt.error, self._used))
        self._attempt, self._used = Attempt(), self._remote._resolved
        return self._attempt

    async def _wait(self, error: RetryableError) -> None:
        """Return when the policy wants another attempt."""
        if self._retrying is None:
            self._retrying = self._tenacity()
            self._manager = await anext(self._retrying)
        with self._manager:
            raise error
        try:
            self._manager = await anext(self._retrying)
        except RetryableError:
            reason = f"{error}, in every attempt, at {self._remote.shown}"
            remedy, after = "try again later: downloaded bytes are kept", error.after or 0.0
            raise DownloadError("OriginFails", reason, remedy, temporary=True, after=after) from None

    def _tenacity(self) -> AsyncIterator[Any]:
        # A tenth of the time to the first byte, with the tornado that it brings, and most files need none of it.
        from tenacity import AsyncRetrying

        remote = self._remote
        policy = RetryPolicy(remote.session.limits, lambda: remote.transfer.most_written, random.random)
        return aiter(AsyncRetrying(stop=policy.stop, wait=policy.wait, reraise=True))
