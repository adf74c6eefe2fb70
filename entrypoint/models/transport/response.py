"""A: an answer that comes in: its head first, its body as fast as whoever wants it takes it.

libcurl hands a body out 16 KiB at a time, 65 536 times a GiB. A buffered writer gathers that without a line of Python,
and what it has gathered is written at once, in the loop's own thread: a thread that writes meanwhile costs more than it
saves, as the two wait for the interpreter's lock (bench/models).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pycurl

#: What is taken from a socket at once: the more, the fewer acknowledgements and the less of our processor.
RECEIVED = 1 << 20
#: Bytes that are gathered and seconds that they may wait. What is gathered is lost by a kill -9, on each connection.
_GATHERED, _GATHERED_S = 256 << 10, 0.05
#: What may have been taken while nobody waits to be told, before a connection is paused.
_UNTOLD = 1 << 20
#: Of an answer that nobody reads: less is kept, so that its connection can be used again, for more it is paused.
_KEPT = 16 << 10


class Broken(OSError):
    """The network: no connection, or it ended before the answer did."""


class Headers(Mapping[str, str]):
    """Of an answer; names in any case, the first of each counts."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def add(self, line: str) -> None:
        name, _, text = line.partition(":")
        self._found.setdefault(name.strip().lower(), text.strip())

    def __getitem__(self, name: str) -> str:
        return self._found[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


class _Sink(io.RawIOBase):
    """What a buffered writer writes to."""

    def __init__(self, take: Callable[[memoryview], None]) -> None:
        self._take = take

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self._take(view)
        return len(view)


class Answer:
    """What comes back; its body is read once.

    Attributes:
        status: The HTTP status.
        headers: Case-insensitive.
    """

    def __init__(self, transfer: pycurl.Curl, stall_timeout: float) -> None:
        self._transfer, self._stall_timeout = transfer, stall_timeout
        self.status, self.headers = 0, Headers()
        self._head, self._news = asyncio.Event(), asyncio.Event()
        self._early = bytearray()
        self._gather: io.BufferedWriter[_Sink] | None = None
        self._since = 0.0  # when it was emptied last
        self._paused, self._awaited = False, False
        self._taken, self._enough = 0, False
        self._end: str | None = None
        self._trouble: Exception | None = None
        transfer.setopt(pycurl.HEADERFUNCTION, self._on_header)
        transfer.setopt(pycurl.WRITEFUNCTION, self._on_early_body)

    @property
    def length(self) -> int | None:
        """Bytes of the body, where it says so."""
        text = self.headers.get("Content-Length", "")
        return int(text) if text.isascii() and text.isdigit() else None

    async def begun(self) -> None:
        """Return when the head is there."""
        await self._head.wait()
        if not self.status:
            raise Broken(self._end or "no answer")

    async def read(self, most: int) -> bytes:
        """The body's first bytes."""
        found = bytearray()

        def keep(data: memoryview) -> int:
            taken = data[: most - len(found)]
            found.extend(taken)
            return len(taken)

        async for _ in self.pour(keep):
            if len(found) == most:
                break
        return bytes(found)

    async def pour(self, put: Callable[[memoryview], int]) -> AsyncIterator[int]:
        """Hand the body to `put`, some of it at a time; yields how many bytes it has taken since.

        Ends with the body, or when `put` takes less than it is given. What `put` raises comes out here, after the
        bytes that were taken before it have been told.

        Raises:
            Broken: It ended early, or nothing came for `Limits.stall_timeout`.
        """
        self._gather = gather = io.BufferedWriter(_Sink(functools.partial(self._take, put)), _GATHERED)
        gather.write(self._early)
        gather.flush()
        self._transfer.setopt(pycurl.WRITEFUNCTION, gather.write)
        while not (self._enough or self._trouble):
            await self._more()
            count, self._taken = self._taken, 0
            if count:
                yield count
            elif self._end is not None:
                break
        if self._taken:
            yield self._taken
        if self._trouble:
            raise self._trouble
        if self._end and not self._enough:
            raise Broken(self._end)

    async def _more(self) -> None:
        """Return when something was taken, or it has ended."""
        if self._end is None:
            if self._paused:
                self._paused = False
                self._transfer.pause(pycurl.PAUSE_CONT)
            self._awaited = True
            try:
                async with asyncio.timeout(self._stall_timeout):
                    await self._news.wait()
            except TimeoutError:
                raise Broken(f"nothing came for {self._stall_timeout:g} s") from None
            finally:
                self._awaited = False
        self._news.clear()

    def came(self) -> None:
        """libcurl has been at work, perhaps for this answer: nothing waits for long, and nobody is overrun."""
        if self._gather is None:
            return
        if time.monotonic() - self._since >= _GATHERED_S:
            self._gather.flush()
        if self._taken >= _UNTOLD and not self._awaited and not self._paused:
            with contextlib.suppress(pycurl.error):  # it has ended
                self._transfer.pause(pycurl.PAUSE_RECV)
                self._paused = True

    def ended(self, reason: str) -> None:
        """libcurl is done with it."""
        self._end = reason
        if self._gather is not None:
            self._gather.flush()
        self._head.set()
        self._news.set()

    def close(self) -> None:
        """libcurl knows nothing of it any more: who pours gets what has come, and no more after it."""
        if self._gather is not None:
            self._gather.close()
        self._gather = None

    def _on_header(self, data: bytes) -> None:
        line = data.decode("latin-1").rstrip("\r\n")
        if self._head.is_set():  # a trailer
            return
        if line.startswith("HTTP/"):
            status = line.split(" ")[1:2]
            self.status, self.headers = (
                int(status[0]) if status[0:1] and status[0].isdigit() else 0,
                Headers(),
            )
        elif line:
            self.headers.add(line)
        elif self.status >= 200:  # others tell of one that is yet to come
            self._head.set()

    def _on_early_body(self, data: bytes) -> int | None:
        """libcurl's callback until somebody wants the body; anything but None pauses the transfer."""
        if len(self._early) + len(data) > _KEPT:
            self._paused = True
            return int(pycurl.WRITEFUNC_PAUSE)
        self._early += data
        return None

    def _take(self, put: Callable[[memoryview], int], data: memoryview) -> None:
        """What was gathered goes to whoever wants it."""
        self._since = time.monotonic()
        if self._enough or self._trouble:
            return
        try:
            taken = put(data)
        except Exception as error:  # it must not come up inside of libcurl
            self._trouble = error
        else:
            self._taken += taken
            self._enough = taken < len(data)
        self._news.set()
