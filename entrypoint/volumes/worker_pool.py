"""A: a worker pool over a stack of tasks, last in first out, whose size changes while it runs."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from entrypoint.volumes.pool_size import PoolSize, Sample

Task = TypeVar("Task")

_TICK_S = 0.01
_JOIN_TIMEOUT_S = 3.0  # for workers to return from their system calls at a stop


class WorkerPool(Generic[Task]):
    """`run_task(task, number)` runs on worker `number` and may push() more tasks."""

    def __init__(
        self, run_task: Callable[[Task, int], None], size: PoolSize, limit: int, stop: threading.Event
    ) -> None:
        self._run_task, self._size, self._limit, self._stop = run_task, size, limit, stop
        self._stack: deque[Task] = deque()
        self._unfinished = 0
        self._wake = threading.Condition()
        self._done = threading.Event()
        self._failure: BaseException | None = None
        self.parallel = False

    def push(self, tasks: list[Task]) -> None:
        """Add tasks."""
        with self._wake:
            self._stack.extend(tasks)
            self._unfinished += len(tasks)
            if self.parallel:
                self._wake.notify(len(tasks))
            else:
                self._wake.notify_all()  # only worker 0 may take a task, and notify() might wake another

    def run(self, first: list[Task], tick: Callable[[], None]) -> list[Task]:
        """Run until every task is done or `stop` is set; `tick` is called some 100 times a second.

        Returns the tasks that were not run. Raises what a worker raised. A worker stuck in the kernel is abandoned
        (the threads are daemons).
        """
        self.push(first)
        workers = [self._start_worker(0)]
        while self._wait_tick():
            self._size.add_sample(_clocks(workers[0]))
            if self._size.threads > 1 and len(workers) == 1:
                workers += [self._start_worker(number) for number in range(1, self._limit)]
            if self.parallel != (self._size.threads > 1):
                with self._wake:
                    self.parallel = self._size.threads > 1
                    self._wake.notify_all()
            tick()
        deadline = time.monotonic() + _JOIN_TIMEOUT_S
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))
        if self._failure is not None:
            raise self._failure
        return list(self._stack)

    def _start_worker(self, number: int) -> threading.Thread:
        worker = threading.Thread(target=self._run_worker, args=(number,), daemon=True, name=f"volumes-{number}")
        worker.start()
        return worker

    def _wait_tick(self) -> bool:
        if not self._stop.is_set() and not self._done.wait(_TICK_S) and not self._stop.is_set():
            return True
        with self._wake:
            self._wake.notify_all()
        return False

    def _run_worker(self, number: int) -> None:
        while True:
            with self._wake:
                while not self._stack or (number and not self.parallel):
                    if not self._unfinished or self._stop.is_set():
                        return
                    self._wake.wait()
                if self._stop.is_set():
                    return
                task = self._stack.pop()
            try:
                self._run_task(task, number)
            except BaseException as failure:
                self._failure = failure
                self._stop.set()
            with self._wake:
                self._unfinished -= 1
                if not self._unfinished:
                    self._done.set()
                    self._wake.notify_all()


def _clocks(worker: threading.Thread) -> Sample:
    """A thread's clocks; without schedstat (a kernel option) the thread counts as computing all the time."""
    now = time.monotonic()
    try:
        with open(f"/proc/self/task/{worker.native_id}/schedstat", "rb") as file:
            used, queued = file.read().split()[:2]
    except (OSError, ValueError):
        return Sample(now, now, 0.0)
    return Sample(now, int(used) / 1e9, int(queued) / 1e9)
