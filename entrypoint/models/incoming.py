"""A: an answer that comes in: its head first, its body as fast as whoever wants it takes it.

What comes is written at once, in the loop's own thread: a thread that writes meanwhile costs more than it saves, as
the two wait for the interpreter's lock (bench/models).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pycurl

#: libcurl hands out 16 KiB at a time; so much of it is written at once: what a core's own cache holds.
PIECE, _PIECE_S = 256 << 10, 0.05
_MOST_PIECES = 512  # IOV_MAX is 1024
#: What may have been received and not been told of before a connection is paused.
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
        self._pieces: list[bytes] = []
        self._size, self._since = 0, 0.0  # of the pieces; when others were handed on last
        self._paused = False
        self._put: Callable[[list[bytes]], int] | None = None
        self._taken, self._enough = 0, False
        self._end: str | None = None
        self._trouble: Exception | None = None
        transfer.setopt(pycurl.HEADERFUNCTION, self._on_header)
        transfer.setopt(pycurl.WRITEFUNCTION, self._on_body)

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

        def keep(pieces: list[bytes]) -> int:
            taken = b"".join(pieces)[: most - len(found)]
            found.extend(taken)
            return len(taken)

        async for _ in self.pour(keep):
            if len(found) == most:
                break
        return bytes(found)

    async def pour(self, put: Callable[[list[bytes]], int]) -> AsyncIterator[int]:
        """Hand the body to `put`, some pieces at a time; yields how many bytes it has taken since.

        Ends with the body, or when `put` takes less than it is given. What `put` raises comes out here, after the
        bytes that were taken before it have been told.

        Raises:
            Broken: It ended early, or nothing came for `Limits.stall_timeout`.
        """
        self._put = put
        self._flush()
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
        if self._paused:
            self._paused = False
            self._transfer.pause(pycurl.PAUSE_CONT)
        if self._end is None:
            try:
                async with asyncio.timeout(self._stall_timeout):
                    await self._news.wait()
            except TimeoutError:
                raise Broken(f"nothing came for {self._stall_timeout:g} s") from None
        self._news.clear()

    def ended(self, reason: str) -> None:
        """libcurl is done with it."""
        self._end = reason
        self._flush()
        self._head.set()
        self._news.set()

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

    def _on_body(self, data: bytes) -> int | None:
        """libcurl's callback; anything but None ends the transfer or pauses it."""
        if self._enough or self._trouble:
            return 0
        if self._taken >= _UNTOLD or (self._put is None and self._size + len(data) > _KEPT):
            self._paused = True
            return int(pycurl.WRITEFUNC_PAUSE)
        self._pieces.append(data)
        self._size += len(data)
        if (
            self._size >= PIECE
            or len(self._pieces) >= _MOST_PIECES
            or time.monotonic() - self._since >= _PIECE_S
        ):
            self._flush()
        return None

    def _flush(self) -> None:
        """What is here goes to whoever wants it."""
        if self._put is None or not self._pieces or self._enough or self._trouble:
            return
        pieces, size, self._pieces, self._size = self._pieces, self._size, [], 0
        self._since = time.monotonic()
        try:
            taken = self._put(pieces)
        except Exception as error:  # it must not come up inside of libcurl
            self._trouble = error
        else:
            self._taken += taken
            self._enough = taken < size
        self._news.set()
