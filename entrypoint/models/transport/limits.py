"""P: how a download behaves: sizes, connections, attempts, time-outs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The numbers of a run.

    Attributes:
        chunk: Bytes of a chunk, the unit of the journal.
        span: Bytes per request, at most.
        first_connections: Over all files, to begin with.
        connections: Over all files, at most.
        files: Files downloaded at once.
        step: Bytes between two entries of the journal; at most a chunk.
        attempts: Failures in a row without a byte of progress.
        first_wait: Seconds, doubled with each failure, with full jitter.
        longest_wait: Seconds; the cap of our own waits.
        longest_retry_after: Seconds that an origin may ask to wait; beyond that the file is left for a later run.
        connect_timeout: Seconds.
        stall_timeout: Seconds without a byte, or with less than `slowest` in them.
        slowest: Bytes within `stall_timeout` below which a connection counts as stalled.
        lease_renewal: Seconds between two renewals of a lease.
        lease_timeout: Seconds without a renewal after which a lease may be taken over.
        busy_wait: Seconds before a file that another pod downloads is tried again.
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
    longest_retry_after: float = 300.0
    connect_timeout: float = 15.0
    stall_timeout: float = 30.0
    slowest: int = 16 << 10
    lease_renewal: float = 15.0
    lease_timeout: float = 90.0
    busy_wait: float = 5.0
