"""A: an HTTP response whose body is read at the reader's pace.

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

from entrypoint.models.errors import ConnectionBroken

#: Bytes read from a socket at once: the more, the fewer acknowledgements and the less of our processor.
RECEIVE_BUFFER = 1 << 20
#: Bytes that are gathered and seconds that they may wait. A kill -9 loses what is gathered, on each connection.
_GATHERED, _GATHERED_S = 256 << 10, 0.05
#: Bytes that may be taken while the reader is elsewhere, before the connection is paused.
_UNREPORTED = 1 << 20
#: Bytes kept of a body that is not read: with less its connection can be reused, beyond that it is paused.
_KEPT = 16 << 10

#: Headers whose later lines count, too (RFC 9110 5.3).
_LISTS = ("content-encoding", "transfer-encoding")


class Headers(Mapping[str, str]):
    """The headers of a response; names in any case, the first of each counts."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def add(self, line: str) -> None:
        """Add a header line, without its end."""
        name, _, text = line.partition(":")
        name, text = name.strip().lower(), text.strip()
        if name in _LISTS and name in self._found:
            text = f"{self._found.pop(name)}, {text}"
        self._found.setdefault(name, text)

    def __getitem__(self, name: str) -> str:
        return self._found[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


class _RawSink(io.RawIOBase):
    """The raw file below a buffered writer."""

    def __init__(self, take: Callable[[memoryview], None]) -> None:
        self._take = take

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self._take(view)
        return len(view)


class Response:
    """A response; its body is read once. `headers`: case-insensitive."""

    def __init__(self, transfer: pycurl.Curl, stall_timeout: float) -> None:
        self._transfer, self._stall_timeout = transfer, stall_timeout
        self.status, self.headers = 0, Headers()
        self._head, self._news = asyncio.Event(), asyncio.Event()
        self._early = bytearray()
        self._buffer: io.BufferedWriter[_RawSink] | None = None
        self._flushed_at = 0.0
        self._paused, self._awaited = False, False
        self._taken, self._enough = 0, False
        self._end: str | None = None
        self._error: Exception | None = None
        transfer.setopt(pycurl.HEADERFUNCTION, self._on_header)
        transfer.setopt(pycurl.WRITEFUNCTION, self._on_early_body)

    @property
    def length(self) -> int | None:
        """Bytes of the body by Content-Length, or None."""
        text = self.headers.get("Content-Length", "")
        return int(text) if text.isascii() and text.isdigit() else None

    async def wait_for_head(self) -> None:
        """Return when status and headers have arrived."""
        await self._head.wait()
        if not self.status:
            raise ConnectionBroken(self._end or "no response")

    async def read(self, most: int) -> bytes:
        """The body's first bytes, `most` at most, within `Limits.stall_timeout` in all: a small body must not drip.

        Raises ConnectionBroken: the body ended early, or did not come in time.
        """
        found = bytearray()

        def keep(data: memoryview) -> int:
            taken = data[: most - len(found)]
            found.extend(taken)
            return len(taken)

        try:
            async with asyncio.timeout(self._stall_timeout):
                async for _ in self.stream_to(keep):
                    if len(found) == most:
                        break
        except TimeoutError:
            raise ConnectionBroken(f"only {len(found)} bytes in {self._stall_timeout:g} s") from None
        return bytes(found)

    async def stream_to(self, sink: Callable[[memoryview], int]) -> AsyncIterator[int]:
        """Write the body to `sink`, some of it at a time; yields how many bytes it has taken since.

        Ends with the body, or when `sink` takes less than it is given. What `sink` raises is raised here, after the
        bytes that were taken before it have been yielded.
        Raises ConnectionBroken: the body ended early, or nothing came for `Limits.stall_timeout`.
        """
        self._buffer = buffer = io.BufferedWriter(_RawSink(functools.partial(self._take, sink)), _GATHERED)
        buffer.write(self._early)
        buffer.flush()
        self._transfer.setopt(pycurl.WRITEFUNCTION, buffer.write)
        while not (self._enough or self._error):
            await self._wait_for_more()
            count, self._taken = self._taken, 0
            if count:
                yield count
            elif self._end is not None:
                break
        if self._taken:
            yield self._taken
        if self._error:
            raise self._error
        if self._end and not self._enough:
            raise ConnectionBroken(self._end)

    async def _wait_for_more(self) -> None:
        """Return when bytes were taken, or the transfer has ended."""
        if self._end is None:
            if self._paused:
                self._paused = False
                self._transfer.pause(pycurl.PAUSE_CONT)
            self._awaited = True
            try:
                async with asyncio.timeout(self._stall_timeout):
                    await self._news.wait()
            except TimeoutError:
                raise ConnectionBroken(f"nothing came for {self._stall_timeout:g} s") from None
            finally:
                self._awaited = False
        self._news.clear()

    def on_activity(self) -> None:
        """Flush what has waited for long enough, and pause the transfer where the reader does not keep up."""
        if self._buffer is None:
            return
        if time.monotonic() - self._flushed_at >= _GATHERED_S:
            self._buffer.flush()
        if self._taken >= _UNREPORTED and not self._awaited and not self._paused:
            with contextlib.suppress(pycurl.error):  # it has ended
                self._transfer.pause(pycurl.PAUSE_RECV)
                self._paused = True

    def on_end(self, reason: str) -> None:
        """Flush the rest; libcurl is done with the transfer."""
        self._end = reason
        if self._buffer is not None:
            self._buffer.flush()
        self._head.set()
        self._news.set()

    def close(self) -> None:
        """Flush the rest; libcurl has dropped the transfer."""
        if self._buffer is not None:
            self._buffer.close()
        self._buffer = None

    def _on_header(self, data: bytes) -> None:
        line = data.decode("latin-1").rstrip("\r\n")
        if self._head.is_set():  # a trailer
            return
        if line.startswith("HTTP/"):
            status = line.split(" ")[1:2]
            self.status, self.headers = (int(status[0]) if status[0:1] and status[0].isdigit() else 0, Headers())
        elif line:
            self.headers.add(line)
        elif self.status >= 200:  # 1xx: the final response is yet to come
            self._head.set()

    def _on_early_body(self, data: bytes) -> int | None:
        """libcurl's callback until the body is read; a result other than None pauses the transfer."""
        if len(self._early) + len(data) > _KEPT:
            self._paused = True
            return int(pycurl.WRITEFUNC_PAUSE)
        self._early += data
        return None

    def _take(self, sink: Callable[[memoryview], int], data: memoryview) -> None:
        """Write what was gathered to the sink."""
        self._flushed_at = time.monotonic()
        if self._enough or self._error:
            return
        try:
            taken = sink(data)
        except Exception as error:  # it must not come up inside of libcurl
            self._error = error
        else:
            self._taken += taken
            self._enough = taken < len(data)
        self._news.set()
