"""A: one service under watch: take samples, ask the judges, act on what they say."""

import os
import time
from typing import NamedTuple

import psutil

from entrypoint.supervision import kill_notes
from entrypoint.supervision.exits import Reason
from entrypoint.supervision.prober.comfyui_log import ComfyUILog
from entrypoint.supervision.prober.liveness import Liveness, MemoryLimit
from entrypoint.supervision.prober.log_tail import LogTail
from entrypoint.supervision.prober.prompt_worker import PromptWorker, Queue
from entrypoint.supervision.prober.targets import Pace, Target
from entrypoint.system import cgroup, loopback_http, process_tree

CGROUP_SHARE = 0.98
"""Of the container's memory limit: beyond it the kernel kills anyway, without asking the process to end first."""
LONGEST_WAIT = 5.0
"""Seconds a process that is to be replaced gets after its stop signal."""
RECHECK = 1.0


class Folders(NamedTuple):
    """Where the plugin's files and the log files are."""

    runtime: str
    log: str


class Watch:
    """Everything the prober remembers about one service."""

    def __init__(self, target: Target, pace: Pace, folders: Folders) -> None:
        self.target = target
        self.due = 0.0
        self._pace = pace
        self._folders = folders
        self._process: psutil.Process | None = None
        self._log = LogTail(os.path.join(folders.log, f"{target.name}.log"))
        self._memory_limit = target.memory_limit or _share_of_the_container()

    def turn(self, pid: int) -> None:
        """One look at the service, whose process supervisord says is `pid` (0: none)."""
        now = time.monotonic()
        self.due = now + self._pace.period
        process = process_tree.find(pid, os.getppid()) if pid else None
        if process is None:
            self._process = None
            return
        if process != self._process:
            self._meet(process, now)
        reason = self._check_memory(process) or self._check_http(process, now) or self._check_work(process, now)
        if reason:
            self._replace(process, reason)

    def _meet(self, process: psutil.Process, now: float) -> None:
        age = max(0.0, time.time() - process.create_time())
        self._process = process
        self._liveness = Liveness(self._pace, self.target.startup_grace, now - age)
        self._memory = MemoryLimit(self._memory_limit)
        self._worker = PromptWorker(self._pace)
        self._words = ComfyUILog()
        self._queue_due = 0.0
        self._idle = False
        self._log.skip()

    def _check_memory(self, process: psutil.Process) -> Reason | None:
        if not self._memory_limit:
            return None
        reason = self._memory.observe(process_tree.memory(process))
        if self._memory.exceeded:
            self.due = time.monotonic() + RECHECK
        return reason

    def _check_http(self, process: psutil.Process, now: float) -> Reason | None:
        answer = loopback_http.get(self.target.port, self.target.path, self._pace.timeout)
        self._answers = answer.problem is None
        if self._answers and not self._liveness.answered:
            age = now - self._liveness.started
            print(f"{self.target.name}: process {process.pid} answers {age:.1f} s after its start", flush=True)
        return self._liveness.observe(time.monotonic(), answer.problem)

    def _check_work(self, process: psutil.Process, now: float) -> Reason | None:
        if not self.target.queue:
            return None
        self._words.read(now, self._log.lines())
        reason = None
        if self._answers and now >= self._queue_due:
            self._queue_due = now + self._pace.queue_period
            queue = self._queue()
            self._idle = queue == Queue((), 0)
            if queue is not None:
                threads, cpu = process_tree.thread_ids(process), process_tree.cpu_seconds(process)
                reason = self._worker.observe(now, queue, threads, cpu)
        return reason or self._words.judge(now, self._idle)

    def _queue(self) -> Queue | None:
        """Whole workflows are in `/queue`, megabytes of them: ask for the number first."""
        remaining = loopback_http.get_json(self.target.port, "/prompt", self._pace.timeout)
        try:
            if remaining["exec_info"]["queue_remaining"] == 0:
                return Queue((), 0)
            queue = loopback_http.get_json(self.target.port, "/queue", self._pace.timeout)
            running = tuple(str(item[1]) for item in queue["queue_running"])
            return Queue(running, len(queue["queue_pending"]))
        except (TypeError, KeyError, IndexError):
            return None

    def _replace(self, process: psutil.Process, reason: Reason) -> None:
        print(f"{self.target.name}: {reason.text}; replacing process {process.pid}", flush=True)
        kill_notes.leave_kill_note(self._folders.runtime, self.target.name, process.pid, reason)
        wait = min(self.target.stop_grace, LONGEST_WAIT)
        process_tree.end(process, self.target.stop_signal, wait, self.target.whole_tree)


def _share_of_the_container() -> int:
    own = cgroup.find()
    return int((own.limit() or 0) * CGROUP_SHARE) if own else 0
