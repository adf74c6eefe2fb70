"""A: threads that work off a pile of tasks, last in first out; how many may work changes while they do."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from entrypoint.volumes.pool_size import Pace, Sample

Task = TypeVar("Task")

_TICK_S = 0.01
_PATIENCE_S = 3.0  # for workers to come back from their system calls when told to stop


class Crew(Generic[Task]):
    """`work(task, number)` runs on worker `number` and may push() more tasks."""

    def __init__(self, work: Callable[[Task, int], None], pace: Pace, most: int, stop: threading.Event) -> None:
        self._work = work
        self._pace = pace
        self._most = most
        self._stop = stop
        self._pile: deque[Task] = deque()
        self._unfinished = 0
        self._wake = threading.Condition()
        self._done = threading.Event()
        self._failure: BaseException | None = None
        self.wide = False

    def push(self, tasks: list[Task]) -> None:
        with self._wake:
            self._pile.extend(tasks)
            self._unfinished += len(tasks)
            if self.wide:
                self._wake.notify(len(tasks))
            else:
                self._wake.notify_all()  # only worker 0 may take it, and notify() might wake another

    def run(self, first: list[Task], tick: Callable[[], None]) -> list[Task]:
        """Until everything is done or `stop` is set; `tick` is called some 100 times a second.

        Returns the tasks nobody did. Raises what a worker raised. A worker stuck in the kernel is left behind
        (the threads are daemons).
        """
        self.push(first)
        workers = [self._hire(0)]
        while self._going_on():
            self._pace.feed(_clocks(workers[0]))
            if self._pace.threads > 1 and len(workers) == 1:
                workers += [self._hire(number) for number in range(1, self._most)]
            if self.wide != (self._pace.threads > 1):
                with self._wake:
                    self.wide = self._pace.threads > 1
                    self._wake.notify_all()
            tick()
        deadline = time.monotonic() + _PATIENCE_S
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))
        if self._failure is not None:
            raise self._failure
        return list(self._pile)

    def _hire(self, number: int) -> threading.Thread:
        worker = threading.Thread(target=self._labour, args=(number,), daemon=True, name=f"volumes-{number}")
        worker.start()
        return worker

    def _going_on(self) -> bool:
        if not self._stop.is_set() and not self._done.wait(_TICK_S) and not self._stop.is_set():
            return True
        with self._wake:
            self._wake.notify_all()
        return False

    def _labour(self, number: int) -> None:
        while True:
            with self._wake:
                while not self._pile or (number and not self.wide):
                    if not self._unfinished or self._stop.is_set():
                        return
                    self._wake.wait()
                if self._stop.is_set():
                    return
                task = self._pile.pop()
            try:
                self._work(task, number)
            except BaseException as failure:
                self._failure = failure
                self._stop.set()
            with self._wake:
                self._unfinished -= 1
                if not self._unfinished:
                    self._done.set()
                    self._wake.notify_all()


def _clocks(worker: threading.Thread) -> Sample:
    """What the kernel says of a thread; without schedstat (a kernel option) it seems always to compute."""
    now = time.monotonic()
    try:
        with open(f"/proc/self/task/{worker.native_id}/schedstat", "rb") as file:
            used, queued = file.read().split()[:2]
    except (OSError, ValueError):
        return Sample(now, now, 0.0)
    return Sample(now, int(used) / 1e9, int(queued) / 1e9)
