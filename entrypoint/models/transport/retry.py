"""P: the retry policy of a download (tenacity's `stop` and `wait`), and the detection of a stalled connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from entrypoint.models.errors import RetryableError, TooSlow
from entrypoint.models.transport.limits import Limits


@dataclass(slots=True)
class RetryPolicy:
    """The attempts of one task. Progress renews them: `slowest` bytes, not the few of an origin that drips for ever."""

    limits: Limits  # `attempts` and the waits
    progress: Callable[[], int]  # returns the most bytes that the task has had at once
    random: Callable[[], float]  # returns a number from 0 to 1
    _failures: int = field(default=0, init=False)
    _seen: int = field(default=-1, init=False)

    def stop(self, state: Any) -> bool:
        """Whether the failure in tenacity's `state` was the last attempt."""
        now = self.progress()
        drips = state.outcome is not None and isinstance(state.outcome.exception(), TooSlow)
        renewed = self._seen < 0 or (not drips and now - self._seen >= self.limits.slowest)
        self._failures = 1 if renewed else self._failures + 1
        self._seen = now
        exhausted = self._failures >= self.limits.attempts
        return exhausted or (_retry_after(state) or 0) > self.limits.longest_retry_after

    def wait(self, state: Any) -> float:
        """Seconds until the next attempt: those of Retry-After, else a doubling wait with full jitter."""
        after = _retry_after(state)
        if after is not None:
            return after + self.random()
        grown = self.limits.first_wait * 2.0 ** (max(self._failures, 1) - 1)
        return float(self.random() * min(self.limits.longest_wait, grown))


class StallDetector:
    """Fails a connection that drips: it would never time out by itself."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._since, self._count = now, 0

    def received(self, count: int, now: float) -> None:
        """Count bytes that arrived at `now` (monotonic seconds).

        Raises TooSlow: the last `stall_timeout` seconds brought less than `slowest` bytes.
        """
        self._count += count
        if now - self._since >= self._limits.stall_timeout:
            if self._count < self._limits.slowest:
                raise TooSlow(f"only {self._count} bytes in {now - self._since:.0f} s")
            self._since, self._count = now, 0


def _retry_after(state: Any) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.after if isinstance(error, RetryableError) else None
