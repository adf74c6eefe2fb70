"""P: how often a download is tried again and how long it waits: tenacity's `stop` and `wait` for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from entrypoint.models.transport.response_rules import Again


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How a fetch behaves.

    Attributes:
        chunk: Bytes of a chunk, the unit of the journal.
        span: Bytes asked for at once, at most.
        first_connections: Over all files, to begin with.
        connections: Over all files, at most.
        files: Fetched at once.
        step: Bytes after which the journal is told; at most a chunk.
        attempts: Failures in a row without a byte of progress.
        first_wait: Seconds, doubled with each failure, with full jitter.
        longest_wait: Seconds; the cap of our own waits.
        longest_asked: Seconds an origin may ask us to wait; beyond that the file is left for a later run.
        connect_timeout: Seconds.
        stall_timeout: Seconds without a byte, or with less than `slowest` in them.
        slowest: Bytes within `stall_timeout` below which a connection counts as stalled.
        lease_beat: Seconds between two signs of life of a lease.
        lease_timeout: Seconds without one after which a lease may be taken over.
        busy_wait: Seconds before a file that another pod fetches is looked at again.
    """

    chunk: int = 1 << 20
    span: int = 16 << 20
    first_connections: int = 8
    connections: int = 24
    files: int = 3
    step: int = 256 << 10
    attempts: int = 8
    first_wait: float = 1.0
    longest_wait: float = 30.0
    longest_asked: float = 300.0
    connect_timeout: float = 15.0
    stall_timeout: float = 30.0
    slowest: int = 16 << 10
    lease_beat: float = 15.0
    lease_timeout: float = 90.0
    busy_wait: float = 5.0


@dataclass(slots=True)
class Patience:
    """The budget of one task; any progress renews it.

    Attributes:
        limits: See there.
        progress: Tells how many bytes are there so far, at most.
        random: From 0 to 1.
    """

    limits: Limits
    progress: Callable[[], int]
    random: Callable[[], float]
    _failures: int = field(default=0, init=False)
    _seen: int = field(default=-1, init=False)

    def stop(self, state: Any) -> bool:
        """tenacity asks after each failure: is it enough?"""
        now = self.progress()
        self._failures = 1 if now > self._seen else self._failures + 1
        self._seen = now
        return self._failures >= self.limits.attempts or (asked(state) or 0) > self.limits.longest_asked

    def wait(self, state: Any) -> float:
        """tenacity asks after each failure: how long? What the origin asks for counts."""
        after = asked(state)
        if after is not None:
            return after + self.random()
        grown = self.limits.first_wait * 2.0 ** (max(self._failures, 1) - 1)
        return float(self.random() * min(self.limits.longest_wait, grown))


def asked(state: Any) -> float | None:
    """Seconds the origin asked for in the failure at hand."""
    error = state.outcome.exception() if state.outcome else None
    return error.after if isinstance(error, Again) else None
