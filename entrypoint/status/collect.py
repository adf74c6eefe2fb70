"""A: looks at everything a snapshot is made of.

    Collector(settings, paths).look()

works in any process of the pod: as another user than the pod's own, supervisord's socket is closed to us, and what
the plugin wrote down (programs.json) has to do.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import psutil

from entrypoint.settings.paths import STARTED, Paths
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from entrypoint.status.disks import Disks
from entrypoint.status.gpus import Gpus
from entrypoint.status.history import Sample, sample
from entrypoint.status.machine import Machine
from entrypoint.status.snapshot import Seen, Use
from entrypoint.supervision import journal
from entrypoint.system import process_tree
from entrypoint.system.attach import Pod
from entrypoint.system.condition_store import conditions_since
from entrypoint.system.files import read_json
from entrypoint.system.known_secrets import known_secrets
from entrypoint.system.readiness import ask_services
from entrypoint.system.redaction import Redactor
from entrypoint.system.supervisord_rpc import Refused, call

#: Seconds: for the services' answers, supervisord's, and each disk's and the driver's.
ANSWER_TIMEOUT, RPC_TIMEOUT, PATIENCE = 3.0, 2.0, 1.0


class Collector:
    """Remembers of its last look what shares of a processor are reckoned from."""

    def __init__(self, settings: Settings, paths: Paths) -> None:
        self._settings, self._paths = settings, paths
        self._machine, self._disks, self._gpus = Machine(), Disks(paths), Gpus()
        self._cpu_before: dict[int, tuple[float, float]] = {}

    def look(self, answers: dict[str, str | None] | None = None) -> Seen:
        """Look at everything. `answers`: of the services, where they have just been asked."""
        runtime = self._paths.runtime
        programs, infos = self.programs(), self.processes()
        gpus, gpu_problem = self._gpus.look(PATIENCE)
        return Seen(
            at=time.time(),
            started=pod_started(),
            programs=programs,
            processes=infos,
            restarts=read_json(f"{runtime}/{journal.RESTARTS}"),
            conditions=tuple(conditions_since(runtime)),
            answers=ask_services(self._settings, ANSWER_TIMEOUT) if answers is None else answers,
            uses=self._uses(programs, infos),
            cpu=self._machine.cpu(),
            memory=self._machine.memory(),
            disks=self._disks.look(PATIENCE),
            gpus=gpus,
            gpu_problem=gpu_problem,
            models=_models(read_json(f"{runtime}/models.json")),
            volumes=read_json(f"{runtime}/volumes.json"),
        )

    def programs(self) -> Any:
        """programs.json, unless the supervisord that wrote it is gone."""
        content = read_json(f"{self._paths.runtime}/{journal.PROGRAMS}")
        pid = content.get("supervisord") if isinstance(content, dict) else None
        return content if isinstance(pid, int) and psutil.pid_exists(pid) else None

    def processes(self) -> list[Any] | None:
        """What supervisord says, or None where it does not answer (to us)."""
        try:
            found = call(f"{self._paths.runtime}/supervisor.sock", "supervisor.getAllProcessInfo", timeout=RPC_TIMEOUT)
        except (OSError, Refused):
            return None
        return found if isinstance(found, list) else None

    def _uses(self, programs: Any, infos: list[Any] | None) -> dict[str, Use]:
        """What the services' process trees use."""
        written = programs.get("programs", {}) if programs else {}
        pids = {name: facts.get("pid") for name, facts in written.items()}
        pids |= {str(info.get("name")): info.get("pid") for info in infos or ()}
        uses, before, self._cpu_before = {}, self._cpu_before, {}
        for row in SERVICES:
            try:
                process = psutil.Process(pids.get(row.name) or -1)
            except (psutil.Error, ValueError, TypeError):
                continue
            now, spent = time.monotonic(), process_tree.cpu_seconds(process)
            self._cpu_before[process.pid] = now, spent
            then, spent_then = before.get(process.pid, (now, spent))
            uses[row.name] = Use(process_tree.memory(process), _of_one_core(spent_then, spent, now - then))
        return uses


def pod_started() -> float | None:
    """When the pod's start began, in seconds since 1970; None outside of the pod's own processes."""
    try:
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + float(os.environ[STARTED])
    except (KeyError, ValueError):
        return None


def secrets(settings: Settings, paths: Paths) -> Redactor:
    """What must not be shown, as far as this process may read it.

    Without the copies on the volume: one that does not answer would hold us just when the page is wanted.
    """
    here = replace(paths, stored=paths.runtime)
    return Redactor(known_secrets(Pod(settings=settings, paths=here, environ=os.environ, supervisord=0)))


def _models(content: Any) -> Any:
    """models.json; of a fetch that was killed it still says that it runs."""
    pid = content.get("pid") if isinstance(content, dict) else None
    if isinstance(pid, int) and content.get("state") in ("running", "waiting") and not psutil.pid_exists(pid):
        return content | {"state": "stopped", "bytes_per_second": 0, "seconds_left": None}
    return content


def _of_one_core(before: float, after: float, seconds: float) -> float | None:
    return None if seconds <= 0 else round(max(0.0, 100 * (after - before) / seconds), 1)


class Sampler:
    """The numbers of the charts, and nothing that costs more."""

    def __init__(self, paths: Paths) -> None:
        self._machine, self._disks, self._gpus = Machine(), Disks(paths), Gpus()
        self._machine.cpu()

    def look(self) -> Sample:
        return sample(
            time.time(),
            self._machine.cpu(),
            self._machine.memory(),
            self._gpus.look(PATIENCE)[0],
            self._disks.look(PATIENCE),
        )
