"""P: observations -> a frozen `Snapshot`, and its JSON.

The observations come from files that other programs write and from supervisord; a snapshot is made whatever their
content: people read it because something is broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from entrypoint import __version__
from entrypoint.conditions.condition import Condition
from entrypoint.conditions.registry import severity_of
from entrypoint.conditions.verdict import verdict
from entrypoint.meter.view import Meter
from entrypoint.settings.services import HELPERS, SERVICES
from entrypoint.settings.services import Service as Row
from entrypoint.settings.settings import Settings
from entrypoint.status import schema
from entrypoint.status.custom_nodes import custom_nodes
from entrypoint.status.gpu_check import gpu_check
from entrypoint.status.kept_queue import kept_queue
from entrypoint.status.outputs import outputs
from entrypoint.system.outputs_state import delivery
from entrypoint.system.redaction import Redactor

_STARTED = ("STARTING", "RUNNING")
_HEALTH_BY_STATE = {
    "BACKOFF": "restarting", "STOPPING": "stopping", "STOPPED": "stopped", "EXITED": "failed", "FATAL": "failed",
}  # fmt: skip


class Usage(NamedTuple):
    """What a service's process tree uses; None: not measured."""

    memory_bytes: int | None = None
    cpu_percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """Everything observed of the pod at one moment.

    Attributes:
        started: Time the pod's start began, as `at` in seconds since 1970.
        programs: Content of `programs.json` (supervision/journal.py) of the running supervisord, else None.
        processes: supervisord's getAllProcessInfo, or None where supervisord did not respond.
        restarts: Content of `restarts.json`.
        conditions: The conditions that hold, each with the time it was recorded.
        answers: Service name -> why its health path does not respond, None: it does; a service not probed has no key.
        usage: Service name -> what its process tree uses.
        gpu_check, models, volumes: Content of `gpu.json`, of `models.json` and of `volumes.json`.
        outputs: Content of `outputs.json` (system/outputs_state.py).
        meter: What the meter says (meter/view.py).
        nodes, node_work: Content of `nodes.json` and of `node-work.json` (node_work.py).
        queue: Content of `queue.json` (entrypoint/queue/inside/keeper.py).
    """

    at: float
    started: float | None = None
    programs: Any = None
    processes: list[Any] | None = None
    restarts: Any = None
    conditions: tuple[tuple[Condition, float], ...] = ()
    answers: Mapping[str, str | None]
    usage: Mapping[str, Usage]
    cpu: schema.Cpu
    memory: schema.Memory
    disks: tuple[schema.Disk, ...] = ()
    gpus: tuple[schema.Gpu, ...] = ()
    gpu_problem: str = ""
    gpu_check: Any = None
    outputs: Any = None
    meter: Meter | None = None
    models: Any = None
    volumes: Any = None
    nodes: Any = None
    node_work: Any = None
    queue: Any = None


def make_snapshot(settings: Settings, observed: Observations, services: tuple[Row, ...] = SERVICES) -> schema.Snapshot:
    """The snapshot of these observations."""
    enabled = [row for row in services if row.enabled(settings)]
    down = [row.title for row in enabled if observed.answers.get(row.name) is not None]
    names = [condition.name for condition, _ in observed.conditions]
    code, summary = verdict([row.title for row in enabled], down, names)
    programs = dict(_programs(observed, services))
    comfyui = programs.get("comfyui")
    urls = {row.name: row.address(settings) for row in services if row.page}
    return schema.Snapshot(
        schema=schema.SCHEMA,
        version=__version__,
        at=observed.at,
        pod=settings.pod_id,
        started=observed.started,
        supervised=observed.processes is not None,
        health="unhealthy" if code else re.split("[: ]", summary, maxsplit=1)[0],
        summary=summary,
        urls=urls,
        services=tuple(_service(row, settings, observed, programs.pop(row.name, None)) for row in services),
        helpers=tuple(programs.values()),
        restarts=tuple(_restarts(observed.restarts)),
        conditions=tuple(
            schema.Problem(
                name=each.name, reason=each.reason, remedy=each.remedy, since=since, severity=severity_of(each.name)
            )
            for each, since in observed.conditions
        ),
        cpu=observed.cpu,
        memory=observed.memory,
        disks=observed.disks,
        gpus=observed.gpus,
        gpu_problem=observed.gpu_problem,
        gpu_check=gpu_check(observed.gpu_check),
        outputs=outputs(delivery(observed.outputs, settings.outputs_to, observed.at)),
        meter=observed.meter,
        models=observed.models if isinstance(observed.models, dict) else None,
        nodes=custom_nodes(observed.nodes, observed.node_work, comfyui.started if comfyui else None),
        queue=kept_queue(observed.queue),
        volumes=tuple(record for record in _mapping(observed.volumes).values() if isinstance(record, dict)),
    )


def as_json(snapshot: schema.Snapshot, redactor: Redactor) -> dict[str, Any]:
    """The snapshot as `status.json`: dicts and lists, with the secrets redacted."""
    content: dict[str, Any] = redactor.tree(asdict(snapshot))
    return content


def _programs(observed: Observations, services: tuple[Row, ...]) -> Iterable[tuple[str, schema.Program]]:
    """Every program: supervisord's current state first, else what the restart plugin has written."""
    titles = {row.name: row.title for row in (*services, *HELPERS)}
    written = _mapping(_mapping(observed.programs).get("programs"))
    current = {str(each.get("name")): each for each in observed.processes or () if isinstance(each, dict)}
    for name in dict.fromkeys((*current, *written)):
        record, info = _mapping(written.get(name)), current.get(name, {})
        state = str(info.get("statename") or record.get("state") or "UNKNOWN")
        runs = state in (*_STARTED, "STOPPING")
        yield (
            name,
            schema.Program(
                name=name,
                title=titles.get(name, name),
                state=state,
                pid=_integer(info.get("pid", record.get("pid"))) if runs else 0,
                started=_number(info.get("start") or record.get("started")) if runs else None,
                exit_code=_integer(info["exitstatus"]) if "exitstatus" in info and not runs else None,
                restarts=_integer(record.get("restarts")),
                reason=str(record.get("reason") or ""),
                next_start=_number(record.get("next_start")) if state == "BACKOFF" else None,
            ),
        )


def _service(row: Row, settings: Settings, observed: Observations, program: schema.Program | None) -> schema.Service:
    if program is None:
        program = schema.Program(
            name=row.name, title=row.title, state="UNKNOWN", pid=0, started=None, exit_code=None, restarts=0,
            reason="", next_start=None,
        )  # fmt: skip
    answers = observed.answers[row.name] is None if row.name in observed.answers else None
    usage = observed.usage.get(row.name, Usage())
    return schema.Service(
        **{each.name: getattr(program, each.name) for each in fields(program)},
        enabled=row.enabled(settings),
        health=_health(row, row.enabled(settings), program, answers, observed.at),
        answers=answers,
        problem=observed.answers.get(row.name) or "",
        port=row.public_port(settings) or row.port(settings),
        url=row.address(settings),
        memory_bytes=usage.memory_bytes,
        memory_limit_bytes=row.memory_limit(settings) or None,
        cpu_percent=usage.cpu_percent,
    )


def _health(row: Row, enabled: bool, program: schema.Program, answers: bool | None, now: float) -> str:
    if program.state in _STARTED:
        if answers:
            return "up"
        young = program.started is not None and now - program.started < row.startup_grace
        return "starting" if young or answers is None else "silent"
    if not enabled and program.state in ("STOPPED", "UNKNOWN"):
        return "off"
    return _HEALTH_BY_STATE.get(program.state, "unknown")


def _restarts(content: Any) -> Iterable[schema.Restart]:
    entries = _mapping(content).get("restarts")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and _number(entry.get("time")) is not None:
            yield schema.Restart(
                time=float(entry["time"]),
                program=str(entry.get("program", "")),
                number=_integer(entry.get("number")),
                kind=str(entry.get("kind", "")),
                reason=str(entry.get("reason", "")),
                uptime=_number(entry.get("uptime")) or 0.0,
                delay=_number(entry.get("delay")),
            )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    return float(value) if number else None


def _integer(value: Any) -> int:
    return int(_number(value) or 0)
