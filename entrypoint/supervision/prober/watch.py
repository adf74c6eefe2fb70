"""A: the probes of one service: take samples, evaluate them, kill the process with a note that says why."""

import contextlib
import os
import time
from typing import NamedTuple

import psutil

from entrypoint.settings.paths import DRAIN_REQUEST
from entrypoint.supervision import kill_notes
from entrypoint.supervision.exits import Reason
from entrypoint.supervision.prober.comfyui_log import ComfyUILog
from entrypoint.supervision.prober.liveness import Liveness, MemoryLimit
from entrypoint.supervision.prober.log_tail import LogTail
from entrypoint.supervision.prober.prompt_worker import PromptWorker, Queue
from entrypoint.supervision.prober.targets import ProbeConfig, Target
from entrypoint.system import cgroup, loopback_http, process_tree, supervisord_rpc
from entrypoint.system.files import read_text

CGROUP_SHARE = 0.98  # Of the container's memory limit: beyond it the kernel kills anyway, without a SIGTERM first.
MAX_STOP_GRACE = 5.0  # Seconds from the stop signal to SIGKILL.
RPC_TIMEOUT = 5.0  # Seconds for supervisord's response.
INSTALLERS = ("pip", "pip3", "uv", "git", "tar", "zstd")  # What launchers and nodes run to install what they need.
RECHECK = 1.0  # Seconds to the next sample after one beyond the memory limit.


class Folders(NamedTuple):
    """The folders of the plugin's files and of the log files."""

    runtime: str
    log: str


class Watch:
    """The probe state of one service."""

    def __init__(self, target: Target, config: ProbeConfig, folders: Folders) -> None:
        self.target = target
        self.due = 0.0
        self._config, self._folders = config, folders
        self._process: psutil.Process | None = None
        self._log_tail = LogTail(os.path.join(folders.log, f"{target.name}.log"))
        self._memory_limit = target.memory_limit or _container_share()

    def probe(self, pid: int) -> None:
        """Probe the service once; `pid` is its process according to supervisord (0: none)."""
        now = time.monotonic()
        self.due = now + self._config.period
        process = process_tree.find(pid, os.getppid()) if pid else None
        if process is None:
            self._process = None
            return
        if process != self._process:
            self._reset(process, now)
        reason = (
            self._probe_memory(process)
            or self._probe_http(process, now)
            or self._probe_node(process)
            or self._probe_queue(process, now)
        )
        if reason:
            self._kill(process, reason)

    def _reset(self, process: psutil.Process, now: float) -> None:
        age = max(0.0, time.time() - process.create_time())
        self._process = process
        self._liveness = Liveness(self._config, self.target.startup_grace, now - age)
        self._memory = MemoryLimit(self._memory_limit)
        self._worker = PromptWorker(self._config)
        self._log_probe = ComfyUILog()
        self._queue_due = 0.0
        self._idle = False
        self._log_tail.skip()

    def _probe_memory(self, process: psutil.Process) -> Reason | None:
        if not self._memory_limit:
            return None
        reason = self._memory.observe(process_tree.memory(process))
        if self._memory.exceeded:
            self.due = time.monotonic() + RECHECK
        return reason

    def _probe_http(self, process: psutil.Process, now: float) -> Reason | None:
        response = loopback_http.get(self.target.port, self.target.path, self._config.timeout)
        self._responds = response.problem is None
        if self._responds and not self._liveness.responded:
            age = now - self._liveness.started
            print(f"{self.target.name}: process {process.pid} responds {age:.1f} s after its start", flush=True)
        elif not self._responds and not self._liveness.responded and process_tree.runs_below(process, INSTALLERS):
            self._liveness.started = now  # a launcher that fetches gigabytes is not a service that does not start
        return self._liveness.observe(time.monotonic(), response.problem)

    def _probe_node(self, process: psutil.Process) -> Reason | None:
        """A custom node that loads for too long. One that waits for pip or uv installs what it needs: that may take."""
        if not self.target.node_timeout or self._responds:
            return None
        path = os.path.join(self._folders.runtime, "reports", f"{self.target.name}-node")
        try:
            loading = time.time() - os.stat(path).st_mtime
        except OSError:
            return None
        name = (read_text(path) or "").strip(" \0\n")
        if not name or loading < self.target.node_timeout or loading > time.time() - process.create_time():
            return None
        if process_tree.runs_below(process, INSTALLERS):
            return None
        return Reason("node", f"the custom node {name} has been loading for {loading:.0f} s")

    def _probe_queue(self, process: psutil.Process, now: float) -> Reason | None:
        if not self.target.queue:
            return None
        self._log_probe.read(now, self._log_tail.lines())
        reason = None
        if self._responds and now >= self._queue_due:
            self._queue_due = now + self._config.queue_period
            queue = self.get_queue()
            self._idle = queue == Queue((), 0)
            if queue is not None:
                threads, cpu = process_tree.thread_ids(process), process_tree.cpu_seconds(process)
                reason = self._worker.observe(now, queue, threads, cpu)
        return reason or self._log_probe.evaluate(now, self._idle)

    def get_queue(self) -> Queue | None:
        """ComfyUI's queue. `/queue` holds whole workflows, megabytes of them: request the number first.

        In a drained pod nothing that waits counts: it does not begin, and the worker is not dead.
        """
        remaining = loopback_http.get_json(self.target.port, "/prompt", self._config.timeout)
        try:
            if remaining["exec_info"]["queue_remaining"] == 0:
                return Queue((), 0)
            queue = loopback_http.get_json(self.target.port, "/queue", self._config.timeout)
            running = tuple(str(item[1]) for item in queue["queue_running"])
            drained = os.path.lexists(f"{self._folders.runtime}/requests/{DRAIN_REQUEST}")
            return Queue(running, 0 if drained else len(queue["queue_pending"]))
        except (TypeError, KeyError, IndexError):
            return None

    def _kill(self, process: psutil.Process, reason: Reason) -> None:
        print(f"{self.target.name}: {reason.text}; killing process {process.pid}", flush=True)
        with contextlib.suppress(OSError):  # a full disk must not keep a hung service alive
            kill_notes.write_kill_note(self._folders.runtime, self.target.name, process.pid, reason)
        grace = min(self.target.stop_grace, MAX_STOP_GRACE)
        try:
            process_tree.end(process, self.target.stop_signal, grace, self.target.whole_tree)
        except PermissionError:  # nginx has a user of its own, and the prober is the services' user
            socket = os.path.join(self._folders.runtime, "supervisor.sock")
            with contextlib.suppress(supervisord_rpc.Refused):  # it has ended meanwhile
                supervisord_rpc.call(socket, "supervisor.signalProcess", self.target.name, "KILL", timeout=RPC_TIMEOUT)


def _container_share() -> int:
    own = cgroup.find()
    return int((own.limit() or 0) * CGROUP_SHARE) if own else 0
