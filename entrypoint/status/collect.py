"""A: collects the observations that a snapshot is made of.

    Collector(settings, paths).collect()

works in any process of the pod: supervisord's socket is closed to every user but the pod's own; for the others
programs.json, which the restart plugin writes, takes its place.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import psutil

from entrypoint.meter.report import read_meter
from entrypoint.queue.journals import read_report
from entrypoint.settings.paths import STARTED, Paths
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from entrypoint.status import node_work
from entrypoint.status.disks import Disks
from entrypoint.status.gpus import Gpus
from entrypoint.status.history import Sample, make_sample
from entrypoint.status.machine import Machine
from entrypoint.status.snapshot import Observations, Usage
from entrypoint.supervision import journal
from entrypoint.system import process_tree
from entrypoint.system.attach import Pod
from entrypoint.system.condition_store import conditions_since
from entrypoint.system.files import read_json
from entrypoint.system.known_secrets import known_secrets
from entrypoint.system.outputs_state import OUTPUTS
from entrypoint.system.readiness import ask_services
from entrypoint.system.redaction import Redactor
from entrypoint.system.supervisord_rpc import Refused, call

#: Seconds to wait: for a service's health path, for supervisord, and for each disk and the GPU driver.
PROBE_TIMEOUT, RPC_TIMEOUT, READ_TIMEOUT = 3.0, 2.0, 1.0


class Collector:
    """A collector of observations; it keeps the last CPU times, from which shares of a processor are computed."""

    def __init__(self, settings: Settings, paths: Paths) -> None:
        self._settings, self._paths = settings, paths
        self._machine, self._disks, self._gpus = Machine(), Disks(paths), Gpus()
        self._cpu_before: dict[int, tuple[float, float]] = {}

    def collect(self, answers: dict[str, str | None] | None = None) -> Observations:
        """Collect everything. `answers`: the services' probes, where the caller has just made them."""
        runtime = self._paths.runtime
        programs, infos = self.programs(), self.processes()
        gpus, gpu_problem = self._gpus.read(READ_TIMEOUT)
        return Observations(
            at=time.time(),
            started=pod_started(),
            programs=programs,
            processes=infos,
            restarts=read_json(f"{runtime}/{journal.RESTARTS}"),
            conditions=tuple(conditions_since(runtime)),
            answers=ask_services(self._settings, PROBE_TIMEOUT) if answers is None else answers,
            usage=self._usage(programs, infos),
            cpu=self._machine.cpu(),
            memory=self._machine.memory(),
            disks=self._disks.read(READ_TIMEOUT),
            gpus=gpus,
            gpu_problem=gpu_problem,
            gpu_check=read_json(f"{self._paths.reports}/gpu.json"),
            outputs=read_json(f"{self._paths.reports}/{OUTPUTS}"),
            meter=read_meter(self._paths),
            models=_models(read_json(f"{self._paths.reports}/models.json")),
            volumes=read_json(f"{runtime}/volumes.json"),
            nodes=read_json(f"{self._paths.reports}/nodes.json"),
            queue=read_report(self._paths),
            node_work=read_json(node_work.record_file(self._paths)),
        )

    def programs(self) -> Any:
        """The content of programs.json, or None where the supervisord that wrote it has ended."""
        content = read_json(f"{self._paths.runtime}/{journal.PROGRAMS}")
        pid = content.get("supervisord") if isinstance(content, dict) else None
        return content if isinstance(pid, int) and psutil.pid_exists(pid) else None

    def processes(self) -> list[Any] | None:
        """supervisord's process list, or None where supervisord does not respond (to this user)."""
        try:
            found = call(f"{self._paths.runtime}/supervisor.sock", "supervisor.getAllProcessInfo", timeout=RPC_TIMEOUT)
        except (OSError, Refused):
            return None
        return found if isinstance(found, list) else None

    def _usage(self, programs: Any, infos: list[Any] | None) -> dict[str, Usage]:
        """What each service's process tree uses."""
        written = programs.get("programs") if programs else {}
        facts = written.items() if isinstance(written, dict) else ()
        pids = {name: each.get("pid") for name, each in facts if isinstance(each, dict)}
        pids |= {str(info.get("name")): info.get("pid") for info in infos or ()}
        usage, before, self._cpu_before = {}, self._cpu_before, {}
        for row in SERVICES:
            try:
                process = psutil.Process(pids.get(row.name) or -1)
            except (psutil.Error, ValueError, TypeError, OverflowError):
                continue
            now, spent = time.monotonic(), process_tree.cpu_seconds(process)
            self._cpu_before[process.pid] = now, spent
            then, spent_then = before.get(process.pid, (now, spent))
            usage[row.name] = Usage(process_tree.memory(process), _percent_of_a_core(spent_then, spent, now - then))
        return usage


def pod_started() -> float | None:
    """When the pod's start began, in seconds since 1970; None outside the pod's own processes."""
    try:
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + float(os.environ[STARTED])
    except (KeyError, ValueError):
        return None


def secrets(settings: Settings, paths: Paths) -> Redactor:
    """A redactor of the secrets that this process may read.

    Without the copies on the volume: a volume that does not respond would block the page just when it is needed.
    """
    without_volume = replace(paths, kept_secrets=f"{paths.runtime}/secrets")
    return Redactor(known_secrets(Pod(settings=settings, paths=without_volume, environ=os.environ, supervisord=0)))


def _models(content: Any) -> Any:
    """The content of models.json; after a killed fetch, whose file still says `running`, with the state `stopped`."""
    pid = content.get("pid") if isinstance(content, dict) else None
    if isinstance(pid, int) and content.get("state") in ("running", "waiting") and not psutil.pid_exists(pid):
        return content | {"state": "stopped", "bytes_per_second": 0, "seconds_left": None}
    return content


def _percent_of_a_core(before: float, after: float, seconds: float) -> float | None:
    return None if seconds <= 0 else round(max(0.0, 100 * (after - before) / seconds), 1)


class Sampler:
    """A collector of the charts' figures alone, which is cheap."""

    def __init__(self, paths: Paths) -> None:
        self._machine, self._disks, self._gpus = Machine(), Disks(paths), Gpus()
        self._machine.cpu()

    def sample(self) -> Sample:
        """One sample, of now."""
        gpus, disks = self._gpus.read(READ_TIMEOUT)[0], self._disks.read(READ_TIMEOUT)
        return make_sample(time.time(), self._machine.cpu(), self._machine.memory(), gpus, disks)
