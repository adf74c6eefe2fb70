"""A: the connections of all files together: a place for each, as many places as the line is worth."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from entrypoint.models.download.growth import Growth


class Crew:
    """Gives out places; learns from what they bring."""

    def __init__(self, first: int, most: int) -> None:
        self._growth = Growth(first, most)
        self._places = asyncio.Semaphore(self._growth.size)
        self._given, self._busy = self._growth.size, 0
        self._received, self._settle = 0, 0.0

    @property
    def size(self) -> int:
        return self._growth.size

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place, kept while the block runs."""
        await self._places.acquire()
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            if self._given > self._growth.size:
                self._given -= 1  # one too many: this place is gone
            else:
                self._places.release()

    def answered(self, seconds: float) -> None:
        """So long after it was asked, an origin began to answer."""
        self._settle = max(seconds, 0.8 * self._settle)

    def got(self, count: int) -> None:
        """So many bytes have come."""
        self._received += count
        if self._busy < self._growth.size:
            return  # there is not work for all: the rate says nothing about the line
        self._growth.look(time.monotonic(), self._received, self._settle, time.thread_time())
        while self._given < self._growth.size:
            self._given += 1
            self._places.release()
