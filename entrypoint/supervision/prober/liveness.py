"""P: Kubernetes' startup and liveness probes as a small state machine, and a memory limit."""

from entrypoint.supervision.exits import Reason
from entrypoint.supervision.prober.targets import ProbeConfig


class Liveness:
    """The probe results of one process. Times are monotonic seconds."""

    def __init__(self, config: ProbeConfig, startup_grace: float, started: float) -> None:
        self._config, self._grace, self.started = config, startup_grace, started
        self.responded = False
        self._failures = 0
        self._failing_since = 0.0

    def observe(self, now: float, problem: str | None) -> Reason | None:
        """Add one probe's result (`problem` is None for success); return the reason to kill the process, if any."""
        if problem is None:
            self.responded, self._failures = True, 0
            return None
        if not self._failures:
            self._failing_since = now
        self._failures += 1
        failing = now - self._failing_since
        if self._failures < self._config.failures or failing < self._config.window:
            return None
        if self.responded:
            return Reason("hang", f"hung: {self._failures} probes in {failing:.0f} s failed ({problem})")
        # A prober that was itself restarted has seen no response: the process's age decides, not the prober's.
        age = now - self.started
        if age < self._grace:
            return None
        return Reason("startup", f"not ready {age:.0f} s after its start ({problem})")


class MemoryLimit:
    """The memory limit of a process tree, in bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.exceeded = False

    def observe(self, used: int) -> Reason | None:
        """Return the reason to kill after two samples in a row beyond the limit.

        One is not enough: a fork counts its parent's pages twice until it execs.
        """
        before, self.exceeded = self.exceeded, used > self._limit
        if not (before and self.exceeded):
            return None
        return Reason("memory", f"used {used >> 20} MiB of memory, more than its {self._limit >> 20} MiB")
