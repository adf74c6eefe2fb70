"""A: connections to origins: urllib3's, each read in a thread.

A thread moves what comes from its socket to the disk by itself, outside of the interpreter's lock: several cores
decrypt and write at once. A loop that is handed each piece is full with one core's worth of it (bench/models: 1.3
instead of 2.5 x curl's time).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import urllib3

from entrypoint.models.patience import Limits

Result = TypeVar("Result")
#: What the network does to a request; also a time-out (TimeoutError is an OSError).
NETWORK = (urllib3.exceptions.HTTPError, OSError)
_PIECE = 256 << 10
#: A thread reports at least so often: bytes, seconds.
_TURN, _TURN_S = 1 << 20, 0.05
#: Requests that are no connection of a download: what is asked of sites beforehand.
_OTHERS = 8
#: The rest of an answer that is worth reading for its connection to be used again.
_SMALL = 16 << 10


class Wire:
    """All connections of a run. No cookies, no proxies of the environment, no .netrc (a login for somebody else)."""

    def __init__(self, limits: Limits) -> None:
        most = limits.connections + _OTHERS
        timeout = urllib3.Timeout(connect=limits.connect_timeout, read=limits.stall_timeout)
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="wire")
        self._pool = urllib3.PoolManager(num_pools=64, maxsize=most, retries=False, timeout=timeout)

    async def __aenter__(self) -> Wire:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Whoever still waits for a name server or a connection is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pool.clear()

    @contextlib.asynccontextmanager
    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[Answer]:
        """Ask for `url`; redirects are answers like others, and bodies come as they are encoded.

        Raises:
            urllib3.exceptions.HTTPError, OSError: The network, here and while the body is read (`NETWORK`).
        """
        asked = self._threads.submit(self._ask, url, {"User-Agent": "podkeeper", **(headers or {})})
        try:
            response = await asyncio.wrap_future(asked)
        except asyncio.CancelledError:
            asked.add_done_callback(_close)
            raise
        try:
            yield Answer(response, self._threads)
        finally:
            self._done_with(response)

    def _done_with(self, response: urllib3.BaseHTTPResponse) -> None:
        if not 0 < (response.length_remaining or 0) <= _SMALL:
            response.close()
            return
        with contextlib.suppress(RuntimeError):  # the run is over
            draining = self._threads.submit(_drain, response)
            draining.add_done_callback(lambda _: response.close())  # called when it is cancelled, too
            return
        response.close()

    def _ask(self, url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        return self._pool.request(
            "GET", url, headers=headers, redirect=False, preload_content=False, decode_content=False
        )


class Answer:
    """What came back; its body is read once.

    Attributes:
        status: The HTTP status.
        headers: Case-insensitive.
        length: Bytes of the body, or None.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse, threads: ThreadPoolExecutor) -> None:
        self._response, self._threads = response, threads
        self._trouble: Exception | None = None
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers
        self.length: int | None = response.length_remaining

    async def read(self, most: int) -> bytes:
        """The body's first bytes."""
        return await self._in_thread(self._response.read, most)

    async def pour(self, put: Callable[[bytes], int]) -> AsyncIterator[int]:
        """Hand the body to `put`, piece by piece, in a thread; yields how many bytes it has taken since.

        Ends with the body, or when `put` takes less than it is given. What `put` raises comes out here, after the
        bytes that were taken before it have been told.
        """
        more = True
        while more:
            count, more = await self._in_thread(self._turn, put)
            yield count

    def _turn(self, put: Callable[[bytes], int]) -> tuple[int, bool]:
        """(bytes taken, whether there may be more)."""
        if self._trouble:
            raise self._trouble
        count, end = 0, time.monotonic() + _TURN_S
        try:
            while count < _TURN and time.monotonic() < end:
                piece = self._response.read1(_PIECE)
                taken = put(piece) if piece else 0
                count += taken
                if not piece or taken < len(piece):
                    return count, False
        except Exception as error:
            if not count:
                raise
            self._trouble = error
        return count, True

    async def _in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        running = asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        return await finish(running, self._hang_up)

    def _hang_up(self) -> None:
        """Whoever reads in a thread is woken."""
        with contextlib.suppress(RuntimeError, ValueError, OSError):  # nobody does, or not any more
            self._response.shutdown()


async def finish(work: asyncio.Future[Result], hurry: Callable[[], None] = lambda: None) -> Result:
    """Wait for a thread's work to its very end, also when cancelled: it uses files that are closed after that.

    `hurry`: called when cancelled.
    """
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
            hurry()
    if cancelled:
        work.exception()  # seen: asyncio would tell of one that nobody asked for
        raise cancelled
    return work.result()


def _close(asked: Future[urllib3.BaseHTTPResponse]) -> None:
    """An answer that came when nobody waited for it any more."""
    if not asked.cancelled() and not asked.exception():
        asked.result().close()


def _drain(response: urllib3.BaseHTTPResponse) -> None:
    with contextlib.suppress(*NETWORK):
        response.drain_conn()
