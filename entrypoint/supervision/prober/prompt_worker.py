"""P: a liveness probe on ComfyUI's prompt worker thread.

A SystemExit in a node ends the worker thread without a log line, and HTTP still responds with 200. The item it
worked on stays in `queue_running` for ever, so the queue alone looks exactly like a long single step, which
must not be killed. The difference is the thread: a working worker's thread still exists.
"""

from typing import NamedTuple

from entrypoint.supervision.exits import Reason
from entrypoint.supervision.prober.targets import ProbeConfig

IDLE_CPU = 0.1  # A process whose worker is dead uses less of one core than this.
OBSERVATIONS = 3


class Queue(NamedTuple):
    """ComfyUI's queue: ids of the running items, number of the pending ones."""

    running: tuple[str, ...]
    pending: int


class PromptWorker:
    """The samples of one ComfyUI process's queue, threads and CPU use. Times are seconds."""

    def __init__(self, config: ProbeConfig) -> None:
        self._stuck_after = config.stuck
        self._queue: Queue | None = None
        self._since = 0.0
        self._stalled_samples = 0
        self._cpu = self._cpu_at = 0.0
        self._candidates: frozenset[int] = frozenset()
        """Threads of which one is the worker: those that existed at its last sign of life."""
        self._missing: frozenset[int] = frozenset()

    def observe(self, now: float, queue: Queue, threads: frozenset[int], cpu: float) -> Reason | None:
        """Add one sample: the queue, the process's thread ids, CPU seconds used so far by its tree."""
        busy = cpu - self._cpu > IDLE_CPU * (now - self._cpu_at) or cpu < self._cpu
        self._cpu, self._cpu_at = cpu, now
        if self._queue is None or queue == Queue((), 0):
            self._candidates = threads if self._queue is None else self._candidates & threads
            self._stalled_samples = 0
        elif queue.running != self._queue.running:
            # An item finished, so the worker was alive after the last sample: no thread missing then is the worker.
            self._candidates -= self._missing
            self._stalled_samples = 0
        self._queue = queue
        self._missing = self._candidates - threads
        return self._evaluate(now, queue, busy)

    def _evaluate(self, now: float, queue: Queue, busy: bool) -> Reason | None:
        stalled = queue.pending > 0 if not queue.running else bool(self._missing) and not busy
        if not stalled:
            self._stalled_samples = 0
            return None
        if not self._stalled_samples:
            self._since = now
        self._stalled_samples += 1
        if self._stalled_samples < OBSERVATIONS or now - self._since < self._stuck_after:
            return None
        symptom = f"{queue.pending} waiting, {'its thread is gone' if queue.running else 'nothing running'}"
        return Reason("worker", f"its prompt worker is dead: {symptom} for {now - self._since:.0f} s")
