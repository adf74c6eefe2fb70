"""P: the schema of `status.json`: the state of the pod at one moment.

The JSON is these fields, nested as they are here; `schema` is incremented when a field changes its meaning or is
removed. Times are seconds since 1970, sizes bytes, shares percent; `null` means "not known". No field holds a secret
(system/redaction.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from entrypoint.meter.view import Meter
from entrypoint.status.node_schema import Nodes
from entrypoint.status.outputs import Outputs
from entrypoint.status.queue_schema import Queue

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program of supervisord's: an internal process of the pod, or (as `Service`) a service.

    Attributes:
        name: supervisord's program name; what `podkeeper restart` takes.
        title: Its name for people.
        state: supervisord's state: STOPPED STARTING RUNNING BACKOFF STOPPING EXITED FATAL UNKNOWN.
        pid: Process id; 0 while the program is not running.
        started: Start time of the process; null while the program is not running.
        exit_code: Exit code of the last process; null while one runs, or where supervisord did not respond.
        restarts: Number of restarts since the pod's start.
        reason: Reason for the last restart.
        next_start: In BACKOFF: time of the next start; else null.
    """

    name: str
    title: str
    state: str
    pid: int
    started: float | None
    exit_code: int | None
    restarts: int
    reason: str
    next_start: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(Program):
    """A service, as listed in entrypoint/settings/services.py.

    Attributes:
        enabled: Whether the settings enable the service.
        health: One of up, starting, silent (running, but its health path does not respond), restarting (waiting for
            the next start), stopping, stopped (on request), failed (not restarted automatically), off (disabled),
            unknown.
        answers: Whether the health path responds; null: not probed.
        problem: Why the health path does not respond.
        port: TCP port for users; for a service without a page, the port it listens on.
        url: Address for a browser, without the token; "" for a service without a page.
        memory_bytes: Private memory of the process tree; null: not measured.
        memory_limit_bytes: The service's own limit; null: the pod's limit applies.
        cpu_percent: Processor usage of the process tree, in percent of one core; null: not measured.
    """

    enabled: bool
    health: str
    answers: bool | None
    problem: str
    port: int
    url: str
    memory_bytes: int | None
    memory_limit_bytes: int | None
    cpu_percent: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """A restart. `delay`: seconds waited before it, null: given up; `uptime`: seconds the process had run.

    `kind`: exit, signal, oom, hang, memory, startup, worker, cuda, operator, wanted or spawn.
    """

    time: float
    program: str
    number: int
    kind: str
    reason: str
    uptime: float
    delay: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A condition that holds (entrypoint/conditions/condition.py); `severity`: error, warning or note; `since`: time it
    was recorded."""

    name: str
    reason: str
    remedy: str
    since: float
    severity: str = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """Processor usage. `used_percent`: of the usable cores, null at the first reading; `cores`: the usable cores."""

    used_percent: float | None
    cores: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Memory usage. `limit_bytes`: the container's, else the machine's; `oom_kills`: processes the OOM killer ended."""

    used_bytes: int
    limit_bytes: int
    oom_kills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A file system. `name`: volume (it outlives the container), data (no volume), or system (logs, packages).

    `problem`: why its numbers are not known (a volume that does not respond); they are 0 then.
    """

    name: str
    path: str
    size_bytes: int
    used_bytes: int
    free_bytes: int
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU, with the driver's index and name; null: the driver does not report the value."""

    index: int
    name: str
    used_percent: float | None
    memory_used_bytes: int | None
    memory_size_bytes: int | None
    temperature_celsius: float | None
    power_watts: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuCheck:
    """The last check of the GPUs (entrypoint/gpu/preflight.py).

    Attributes:
        at: Start time.
        state: ok, warning, failed, or skipped (nothing was checked).
        text: What is wrong, else the speeds and the attention.
    """

    at: float
    state: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state of the whole pod.

    Attributes:
        schema: SCHEMA.
        version: Podkeeper's version.
        at: Time the snapshot was made.
        pod: RunPod's id of the pod, "" elsewhere.
        started: Time the pod's start began; null: not known.
        supervised: Whether supervisord responded.
        health: healthy, degraded or unhealthy, as in the image's HEALTHCHECK.
        summary: The line that the HEALTHCHECK prints.
        urls: Addresses by service name, without the token.
        services: The services, in the order of settings/services.py.
        helpers: The other programs.
        restarts: The last restarts, oldest first.
        conditions: The conditions that hold, oldest first.
        gpu_problem: Why there are no GPUs.
        gpu_check: The last check of the GPUs; null: none yet.
        outputs: The delivery of outputs; null: OUTPUTS_TO is not set.
        meter: What the pod costs, and whether it is idle (entrypoint/meter/view.py); null: the meter has not reported.
        models: Content of `models.json`, of the last fetch (entrypoint/models/progress.py), or null.
        nodes: ComfyUI's custom nodes.
        queue: ComfyUI's queue; null: it is not kept, or ComfyUI has not started.
        volumes: The records of `volumes.json` (entrypoint/volumes/pass_record.py), one for each folder.
    """

    schema: int
    version: str
    at: float
    pod: str
    started: float | None
    supervised: bool
    health: str
    summary: str
    urls: dict[str, str]
    services: tuple[Service, ...]
    helpers: tuple[Program, ...]
    restarts: tuple[Restart, ...]
    conditions: tuple[Problem, ...]
    cpu: Cpu
    memory: Memory
    disks: tuple[Disk, ...]
    gpus: tuple[Gpu, ...]
    gpu_problem: str
    gpu_check: GpuCheck | None
    outputs: Outputs | None
    meter: Meter | None
    models: dict[str, Any] | None
    nodes: Nodes
    queue: Queue | None
    volumes: tuple[dict[str, Any], ...]
