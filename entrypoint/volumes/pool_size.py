"""P: the number of threads of a pass: one on a local disk, many where every call waits for the network.

Measured: on a volume with 1 ms a call 32 threads are 20 times faster than one; on a local disk they are three
times slower, because they contend for the GIL. So a pass starts with one thread; while that one spends most of
its time blocked (neither computing nor waiting for a processor, as on a busy machine) it runs all of them. At
intervals the others pause, to measure again whether they help.
"""

from dataclasses import dataclass

MAX_THREADS = 32
BLOCKED_SHARE = 0.75
_FIRST_CHECK_S, _LONGEST_CHECK_S = 1.0, 16.0
_SETTLE_S = 0.02


@dataclass(frozen=True)
class Sample:
    """The first worker's clocks in seconds: now (monotonic), CPU time used, time queued for a CPU."""

    now: float
    used: float
    queued: float


class PoolSize:
    """The adaptive pool size: `threads` may run, by a Sample every few hundredths of a second."""

    def __init__(self, limit: int = MAX_THREADS) -> None:
        self.threads = 1
        self._limit = limit
        self._since: Sample | None = None
        self._check_after = _FIRST_CHECK_S

    def add_sample(self, sample: Sample) -> None:
        """Update `threads`."""
        if self._since is None:
            self._since = sample
        elif self.threads > 1:
            self._pause_when_due(sample, self._since)
        elif sample.now - self._since.now >= _SETTLE_S:
            self._evaluate(sample, self._since)

    def _evaluate(self, sample: Sample, since: Sample) -> None:
        wall = sample.now - since.now
        blocked = wall - (sample.used - since.used) - (sample.queued - since.queued)
        if blocked > BLOCKED_SHARE * wall:
            self.threads = self._limit
        else:
            self._check_after = _FIRST_CHECK_S
        self._since = sample

    def _pause_when_due(self, sample: Sample, since: Sample) -> None:
        if sample.now - since.now >= self._check_after:
            self.threads = 1
            self._check_after = min(_LONGEST_CHECK_S, self._check_after * 2)
            self._since = None  # the next sample may still include the others' last steps
