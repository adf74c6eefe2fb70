"""P: how many threads a pass should use: one on a local disk, many where every call waits for the network.

Measured: on a volume with 1 ms a call 32 threads are 20 times faster than one; on a local disk they are three
times slower, because they fight for Python's lock. So it starts alone, and a thread that spends most of its
time blocked (not computing, nor waiting for a processor, which is what a busy machine looks like) gets
company.
Now and then the company pauses, to see whether it is still worth it.
"""

from dataclasses import dataclass

MOST_THREADS = 32
BLOCKED_SHARE = 0.75
_FIRST_CHECK_S, _LONGEST_CHECK_S = 1.0, 16.0
_SETTLE_S = 0.02


@dataclass(frozen=True)
class Sample:
    """The first worker's clocks, all in seconds: now (monotonic), processor used, waited for a processor."""

    now: float
    used: float
    queued: float


class Pace:
    """Fed a Sample every few hundredths of a second, `threads` says how many may work."""

    def __init__(self, most: int = MOST_THREADS) -> None:
        self.threads = 1
        self._most = most
        self._since: Sample | None = None
        self._check_after = _FIRST_CHECK_S

    def feed(self, sample: Sample) -> None:
        if self._since is None:
            self._since = sample
        elif self.threads > 1:
            self._pause_when_due(sample, self._since)
        elif sample.now - self._since.now >= _SETTLE_S:
            self._judge(sample, self._since)

    def _judge(self, sample: Sample, since: Sample) -> None:
        wall = sample.now - since.now
        blocked = wall - (sample.used - since.used) - (sample.queued - since.queued)
        if blocked > BLOCKED_SHARE * wall:
            self.threads = self._most
        else:
            self._check_after = _FIRST_CHECK_S
        self._since = sample

    def _pause_when_due(self, sample: Sample, since: Sample) -> None:
        if sample.now - since.now >= self._check_after:
            self.threads = 1
            self._check_after = min(_LONGEST_CHECK_S, self._check_after * 2)
            self._since = None  # the next sample may still hold the others' last steps
