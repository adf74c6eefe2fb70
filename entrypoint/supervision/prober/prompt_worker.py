"""P: is ComfyUI's prompt worker dead?

A SystemExit in a node ends the worker thread without a word, and HTTP goes on to answer 200. The item it
worked on stays in `queue_running` for ever, so the queue alone looks exactly like a long single step, which
must not be killed. What tells them apart is the thread: a worker that works is still there.
"""

from typing import NamedTuple

from entrypoint.supervision.exits import Reason
from entrypoint.supervision.prober.targets import Pace

IDLE_CPU = 0.1
"""A process whose worker is dead uses less of one core than this."""
OBSERVATIONS = 3


class Queue(NamedTuple):
    """ComfyUI's queue: ids of what runs, number of what waits."""

    running: tuple[str, ...]
    pending: int


class PromptWorker:
    """The queue of one ComfyUI process, watched over time. Times are seconds."""

    def __init__(self, pace: Pace) -> None:
        self._stuck_after = pace.stuck
        self._queue: Queue | None = None
        self._since = 0.0
        self._seen = 0
        self._cpu = 0.0
        self._cpu_at = 0.0
        self._worker_among: frozenset[int] = frozenset()
        """Threads of which one is the worker: those that were there when it last showed life."""
        self._missing: frozenset[int] = frozenset()

    def observe(self, now: float, queue: Queue, threads: frozenset[int], cpu: float) -> Reason | None:
        """Take one look: the queue, the process's thread ids, CPU seconds used so far by its tree."""
        busy = cpu - self._cpu > IDLE_CPU * (now - self._cpu_at) or cpu < self._cpu
        self._cpu, self._cpu_at = cpu, now
        if self._queue is None or queue == Queue((), 0):
            self._rest(queue, threads)
        elif queue.running != self._queue.running:
            # Something finished, so the worker was alive after our last look: what was missing then isn't it.
            self._worker_among -= self._missing
            self._seen = 0
        self._queue = queue
        self._missing = self._worker_among - threads
        return self._judge(now, queue, busy)

    def _rest(self, queue: Queue, threads: frozenset[int]) -> None:
        first = self._queue is None
        self._worker_among = threads if first else self._worker_among & threads
        self._seen = 0

    def _judge(self, now: float, queue: Queue, busy: bool) -> Reason | None:
        stalled = queue.pending > 0 if not queue.running else bool(self._missing) and not busy
        if not stalled:
            self._seen = 0
            return None
        if not self._seen:
            self._since = now
        self._seen += 1
        if self._seen < OBSERVATIONS or now - self._since < self._stuck_after:
            return None
        what = f"{queue.pending} waiting, {'its thread is gone' if queue.running else 'nothing running'}"
        return Reason("worker", f"its prompt worker is dead: {what} for {now - self._since:.0f} s")
