"""A: the connection pool of all files together, as large as the adaptive limit says."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from entrypoint.models.download.concurrency import ConcurrencyLimit


class ConnectionPool:
    """Hands out slots, and learns from the bytes they bring."""

    def __init__(self, first: int, most: int) -> None:
        self._limit = ConcurrencyLimit(first, most)
        self._slots = asyncio.Semaphore(self._limit.size)
        self._given, self._busy = self._limit.size, 0
        self._received, self._settle = 0, 0.0

    @property
    def size(self) -> int:
        """Connections that may be open now."""
        return self._limit.size

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a slot while the block runs."""
        await self._slots.acquire()
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            if self._given > self._limit.size:
                self._given -= 1  # one too many: this slot is withdrawn
            else:
                self._slots.release()

    def responded(self, seconds: float) -> None:
        """Record the seconds from a request to its response."""
        self._settle = max(seconds, 0.8 * self._settle)

    def received(self, count: int) -> None:
        """Count received bytes."""
        self._received += count
        if self._busy < self._limit.size:
            return  # there is not work for all: the rate says nothing about the network
        self._limit.update(time.monotonic(), self._received, self._settle, time.thread_time())
        while self._given < self._limit.size:
            self._given += 1
            self._slots.release()
