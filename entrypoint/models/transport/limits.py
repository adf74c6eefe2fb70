"""P: how a download behaves: sizes, connections, attempts, time-outs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The numbers of a run."""

    chunk: int = 1 << 20  # bytes of a chunk, the unit of the journal
    span: int = 16 << 20  # bytes per request, at most
    first_connections: int = 8  # over all files, to begin with
    connections: int = 24  # over all files, at most
    files: int = 3  # files downloaded at once
    step: int = 256 << 10  # bytes between two entries of the journal; at most a chunk
    attempts: int = 8  # failures in a row without a byte of progress
    first_wait: float = 1.0  # seconds, doubled with each failure, with full jitter
    longest_wait: float = 30.0  # seconds; the cap of our own waits
    longest_retry_after: float = 300.0  # seconds that an origin may ask to wait; beyond that: left for a later run
    connect_timeout: float = 15.0  # seconds
    stall_timeout: float = 30.0  # seconds without a byte, or with less than `slowest` in them
    slowest: int = 32 << 10  # bytes within `stall_timeout` below which a connection counts as stalled: 1 KiB/s
    lease_renewal: float = 15.0  # seconds between two renewals of a lease
    lease_timeout: float = 90.0  # seconds without a renewal after which a lease may be taken over
    busy_wait: float = 5.0  # seconds before a file that another pod downloads is tried again
