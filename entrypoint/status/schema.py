"""P: the shape of `status.json`: what is known of the pod at one moment.

The JSON is these fields, nested as they are here; `schema` grows when one changes its meaning or goes. Times are
seconds since 1970, sizes bytes, shares percent; `null` is "not known". No field holds a secret (see redact.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program of supervisord's: a helper of the pod's, or (as `Service`) a service.

    Attributes:
        name: supervisord's program name; what `podkeeper restart` takes.
        title: What people call it.
        state: supervisord's word: STOPPED STARTING RUNNING BACKOFF STOPPING EXITED FATAL UNKNOWN.
        pid: 0 while it does not run.
        started: When this process was started; null while it does not run.
        exit_code: Of its last end; null while it runs, or where supervisord did not answer.
        restarts: How often it was started again since the pod's start.
        reason: Why the last time.
        next_start: While it waits in BACKOFF: when it is started.
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
    """A service of entrypoint/settings/services.py.

    Attributes:
        enabled: Whether the settings want it.
        health: In one word: up, starting, silent (runs, does not answer), restarting (waits for its next start),
            stopping, stopped (by somebody), failed (not started again by itself), off (not wanted), unknown.
        answers: Whether its health path answers; null: not asked.
        problem: Why it does not.
        port: TCP port users reach it at; of one without a page, the one it listens on.
        url: Where a browser finds it, without a login; "" where it has no page of its own.
        memory_bytes: Private memory of its process tree; null: not measured.
        memory_limit_bytes: Its own limit; null: as much as the pod may.
        cpu_percent: Of one core; null: not measured.
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
    """One restart. `delay`: seconds waited before it, null: given up; `uptime`: seconds it had run.

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
    """A condition that holds (entrypoint/conditions/condition.py), and since when."""

    name: str
    reason: str
    remedy: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """`used_percent`: of what the pod may use, null at the first look. `cores`: how many cores that is."""

    used_percent: float | None
    cores: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`limit_bytes`: the container's, else the machine's. `oom_kills`: processes the kernel killed for lack of it."""

    used_bytes: int
    limit_bytes: int
    oom_kills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """One file system. `name`: volume (what outlives the container), data (no volume), or system (logs, packages).

    `problem`: why nothing is known of it (a volume that does not answer); the numbers are 0 then.
    """

    name: str
    path: str
    size_bytes: int
    used_bytes: int
    free_bytes: int
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU, as the driver numbers and names it; null: the driver does not tell."""

    index: int
    name: str
    used_percent: float | None
    memory_used_bytes: int | None
    memory_size_bytes: int | None
    temperature_celsius: float | None
    power_watts: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything.

    Attributes:
        schema: SCHEMA.
        version: Podkeeper's version.
        at: When we looked.
        pod: RunPod's id of the pod, "" elsewhere.
        started: When the pod's start began; null: not known.
        supervised: Whether supervisord answered.
        health: healthy, degraded or unhealthy, as the image's HEALTHCHECK says.
        summary: The HEALTHCHECK's line.
        urls: Addresses by service name, without a login.
        services: In the order of the table.
        helpers: The other programs.
        restarts: Oldest first.
        conditions: Oldest first.
        gpu_problem: Why there are no GPUs.
        models: `models.json` of the fetch that ran last (entrypoint/models/progress.py), or null.
        volumes: The records of `volumes.json` (entrypoint/volumes/pass_record.py), one a folder.
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
    models: dict[str, Any] | None
    volumes: tuple[dict[str, Any], ...]
