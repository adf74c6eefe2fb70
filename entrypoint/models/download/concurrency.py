"""P: the adaptive limit of connections: more as long as more bring more.

A fast network is full with a few, and each further one costs processor time and memory; one that serves each
connection slowly (most content networks do) is filled by many only.
"""

from __future__ import annotations

#: Seconds that a rate is measured for; and before that, at least, until new connections are at their speed.
WINDOW_S, SETTLE_S = 0.2, 0.2
#: Seconds until more are tried again after they brought nothing: networks change.
TRY_AGAIN_S = 10.0
#: The part of the hoped-for gain that more connections must bring to be kept.
_WORTHWHILE = 0.3
#: The part of a window that our thread may work before its processor is the bottleneck, and not the connections.
_FULLY_AT_WORK = 0.7


class ConcurrencyLimit:
    """Doubles the limit, measures, and keeps it or takes it back. `size`: connections to have now."""

    def __init__(self, first: int, most: int) -> None:
        self.size, self._most = min(first, most), most
        self._before: tuple[int, float] | None = None
        self._begins, self._since, self._worked = 0.0, 0, 0.0
        self._next_try, self._started = 0.0, False

    def update(self, now: float, received: int, settle: float, worked: float) -> None:
        """Account for received bytes; called often, decides now and then.

        `now`: monotonic seconds; `received`: bytes in all so far; `settle`: seconds a new connection needs until its
        first byte; `worked`: seconds of processor time that the receiving thread has used so far.
        """
        if not self._started:
            self._started = True
            self._measure_from(now, received, worked)
        if now < self._begins:
            self._since, self._worked = received, worked
            return
        if now - self._begins < WINDOW_S:
            return
        rate = (received - self._since) / (now - self._begins)
        if self._before is not None and not self._was_worth_it(rate):
            self.size, self._before = self._before[0], None
            self._next_try = now + TRY_AGAIN_S
        elif self.size < self._most and now >= self._next_try and not self._is_busy(now, worked):
            self._before = (self.size, rate)
            self.size = min(self._most, 2 * self.size)
        else:
            self._before = None
        self._measure_from(now + max(SETTLE_S, 2 * settle), received, worked)

    def _was_worth_it(self, rate: float) -> bool:
        size, before = self._before or (self.size, rate)
        return rate >= before * (1 + _WORTHWHILE * (self.size / size - 1))

    def _is_busy(self, now: float, worked: float) -> bool:
        return worked - self._worked >= _FULLY_AT_WORK * (now - self._begins)

    def _measure_from(self, begins: float, received: int, worked: float) -> None:
        self._begins, self._since, self._worked = begins, received, worked
