"""A: looks for work in the pod, cheap looks first; the first sign of work ends them.

Each look returns what is at work as a clause, "" for nothing, and raises `CannotLook` where it cannot tell.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from entrypoint.meter.idle import Look
from entrypoint.meter.processes import Processes
from entrypoint.meter.utilization import Utilization
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.supervision.journal import PROGRAMS
from entrypoint.system.condition_store import read_conditions
from entrypoint.system.files import read_table, read_text
from entrypoint.system.loopback_http import send

#: Bytes a second over the network that count as a download, an upload or a copy. Three open pages use 10 kB/s.
BUSY_BYTES = 100_000.0
#: Seconds that a service may take to answer.
_TIMEOUT_S = 5.0
_ALIVE = ("STARTING", "RUNNING")
#: States of a kernel that runs no code. `starting` stays until a client has connected.
_RESTING = ("idle", "starting", "dead", "terminating")


class CannotLook(Exception):
    """Something that may be at work cannot be seen; the message is a clause."""


class Looks:
    """The looks, and what each saw last time. `secrets`: headers by which JupyterLab lets this program ask."""

    def __init__(self, settings: Settings, paths: Paths, headers: Mapping[str, str]) -> None:
        self._settings, self._paths, self._headers = settings, paths, dict(headers)
        local = bool(settings.home)  # the machine has other users, processes and network traffic then
        self._processes = Processes(os.getppid() if local else 0)
        self._gpus = Utilization()
        self._programs: dict[str, Any] = {}
        self._seen: dict[str, Any] = {}
        self._network = (0, 0.0)
        self._looks: tuple[Callable[[], str], ...] = (
            self._program, self._download, self._node_work, self.request, self._processes.output,
            *(() if local else (self._traffic,)), self._comfyui, self._processes.look, self._gpu, self._kernels,
            *((self._terminals,) if local else ()),
        )  # fmt: skip

    def look(self) -> Look:
        """Look until something is at work. A look that fails does not hide what a later one sees."""
        failed = ""
        for each in self._looks:
            try:
                if busy := each():
                    return Look(busy=busy)
            except CannotLook as problem:
                failed = failed or str(problem)
            except (OSError, ValueError, TypeError, KeyError, AttributeError) as problem:  # files that others write
                failed = failed or f"{each.__name__.strip('_')}: {problem}"
        return Look(failed=failed)

    def request(self) -> str:
        """Whether the door has let in a request that stands for work (`$is_work` in door/nginx.conf). nginx appends a
        line for each; what is in the file does not matter."""
        path = f"{self._paths.runtime}/activity"
        try:
            found = os.stat(path, follow_symlinks=False)
        except FileNotFoundError:
            return ""  # there is no door
        return "a request came through the door" if self._changed("request", (found.st_size, found.st_ino)) else ""

    def _program(self) -> str:
        content = read_table(f"{self._paths.runtime}/{PROGRAMS}").get("programs")
        if not isinstance(content, dict):
            raise CannotLook("supervisord's list of programs cannot be read")
        self._programs = {name: each for name, each in content.items() if isinstance(each, dict)}
        if self._runs("command"):
            return "the start command runs"
        if self._runs("workflows"):
            return "what a workflow needs is being installed"
        if self._runs("jobs") and self._has_jobs():
            return "jobs wait or run"
        return "another version of ComfyUI is being prepared" if self._runs("version") else ""

    def _has_jobs(self) -> bool:
        """Whether the program `jobs` has work; it lingers for a while after the last job."""
        with contextlib.suppress(OSError):
            return any(name.endswith(".request") for name in os.listdir(f"{self._paths.models_state}/jobs"))
        return False

    def _download(self) -> str:
        found = read_table(f"{self._paths.reports}/models.json")
        runs = found.get("state") == "running" and os.path.exists(f"/proc/{int(found.get('pid') or 0)}/stat")
        return "models are being downloaded" if runs else ""

    def _node_work(self) -> str:
        work = read_table(f"{self._paths.reports}/node-work.json").get("work")
        return f"{str(work.get('text'))[:80]}" if isinstance(work, dict) and self._runs("status") else ""

    def _traffic(self) -> str:
        text = read_text("/proc/net/dev")
        if text is None:
            raise CannotLook("/proc/net/dev cannot be read")
        total, now = traffic(text), time.monotonic()
        (before, then), self._network = self._network, (total, now)
        rate = (total - before) / max(0.1, now - then) if then else 0.0
        return f"the network is at work ({rate / 1e6:.1f} MB/s)" if rate > BUSY_BYTES else ""

    def _gpu(self) -> str:
        busy, problem = self._gpus.read()
        if problem:
            raise CannotLook(problem)
        return busy

    def _comfyui(self) -> str:
        if not self._runs("comfyui"):
            return ""
        answer = send("GET", service_named("comfyui").port(self._settings), "/prompt", _TIMEOUT_S)
        if answer.status == 200:
            left = json.loads(answer.body)["exec_info"]["queue_remaining"]
            return f"ComfyUI has {left} in its queue" if left else ""
        if any(each.name == "ComfyUIFails" for each in read_conditions(self._paths.runtime)):
            return ""  # it ends at every start, and cannot be used
        if answer.status == 0 and "no answer" not in str(answer.problem):
            return "ComfyUI is starting"
        raise CannotLook(f"ComfyUI does not say what is in its queue: {answer.problem or answer.status}")

    def _kernels(self) -> str:
        kernels = self._jupyter("/api/kernels")
        busy = [each for each in kernels if each.get("execution_state") not in _RESTING]
        if busy:
            return f"{len(busy)} of {len(kernels)} notebook kernels run code"
        seen = sorted((str(each.get("id")), str(each.get("last_activity"))) for each in kernels)
        return "a notebook kernel was started, ended or has run code" if self._changed("kernels", seen) else ""

    def _terminals(self) -> str:
        found = self._jupyter("/api/terminals")
        seen = sorted((str(each.get("name")), str(each.get("last_activity"))) for each in found)
        return "a terminal has output" if self._changed("terminals", seen) else ""

    def _jupyter(self, path: str) -> list[dict[str, Any]]:
        if not self._runs("jupyter"):
            return []
        answer = send("GET", service_named("jupyter").port(self._settings), path, _TIMEOUT_S, self._headers)
        if answer.status == 404 and path == "/api/terminals":
            return []  # terminals are switched off
        if answer.status != 200:
            raise CannotLook(f"JupyterLab does not say what runs: {answer.problem or answer.status}")
        return [each for each in json.loads(answer.body) if isinstance(each, dict)]

    def _runs(self, name: str) -> bool:
        return self._programs.get(name, {}).get("state") in _ALIVE

    def _changed(self, name: str, seen: Any) -> bool:
        before, self._seen[name] = self._seen.get(name), seen
        return before is not None and bool(before != seen)


def traffic(text: str) -> int:
    """Bytes received and sent, from /proc/net/dev, by all interfaces but the loopback."""
    total = 0
    for line in text.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        fields = numbers.split()
        if name.strip() != "lo" and len(fields) > 8:
            total += int(fields[0]) + int(fields[8])
    return total
