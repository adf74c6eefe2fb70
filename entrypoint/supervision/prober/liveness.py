"""P: does a service answer? Kubernetes' startup and liveness probes as a small state machine."""

from entrypoint.supervision.exits import Reason
from entrypoint.supervision.prober.targets import Pace


class Liveness:
    """The probes of one process. Times are monotonic seconds."""

    def __init__(self, pace: Pace, startup_grace: float, started: float) -> None:
        self._pace = pace
        self._grace = startup_grace
        self.started = started
        self.answered = False
        self._failures = 0
        self._failing_since = 0.0

    def observe(self, now: float, problem: str | None) -> Reason | None:
        """Take one probe's result (`problem` is None for an answer); a Reason means: kill it."""
        if problem is None:
            self.answered, self._failures = True, 0
            return None
        if not self._failures:
            self._failing_since = now
        self._failures += 1
        failing = now - self._failing_since
        if self._failures < self._pace.failures or failing < self._pace.window:
            return None
        if self.answered:
            return Reason("hang", f"hung: {self._failures} probes in {failing:.0f} s failed ({problem})")
        # A prober that was itself restarted has not seen the answers: the process's age decides, not ours.
        age = now - self.started
        if age < self._grace:
            return None
        return Reason("startup", f"not up {age:.0f} s after its start ({problem})")


class MemoryLimit:
    """A limit on the memory of a process tree."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.exceeded = False

    def observe(self, used: int) -> Reason | None:
        """Twice in a row, because a fork counts its parent's pages twice until it execs. Bytes."""
        before, self.exceeded = self.exceeded, used > self._limit
        if not (before and self.exceeded):
            return None
        return Reason("memory", f"used {used >> 20} MiB of memory, more than its {self._limit >> 20} MiB")
