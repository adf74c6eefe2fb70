"""P: raw facts -> a frozen `Snapshot`, and its JSON.

The facts come from files that other programs write and from supervisord; whatever shape they have, a snapshot
comes out. A person looks at it because something is broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from entrypoint import __version__
from entrypoint.conditions.condition import Condition
from entrypoint.conditions.verdict import verdict
from entrypoint.settings.services import HELPERS, SERVICES
from entrypoint.settings.services import Service as Row
from entrypoint.settings.settings import Settings
from entrypoint.status import schema
from entrypoint.system.redaction import Redactor

_STARTED = ("STARTING", "RUNNING")
_WORDS = {
    "BACKOFF": "restarting",
    "STOPPING": "stopping",
    "STOPPED": "stopped",
    "EXITED": "failed",
    "FATAL": "failed",
}


class Use(NamedTuple):
    """What a service's process tree uses; None: not measured."""

    memory_bytes: int | None = None
    cpu_percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of the pod at one moment.

    Attributes:
        at: Seconds since 1970.
        started: When the pod's start began, likewise.
        programs: Content of `programs.json` (supervision/journal.py) of the supervisord that runs, else None.
        processes: supervisord's getAllProcessInfo, or None where it did not answer.
        restarts: Content of `restarts.json`.
        conditions: What holds, with the time since when.
        answers: Service name -> why its health path does not answer, None for an answer; not asked: no key.
        uses: Service name -> what it uses.
        models: Content of `models.json`.
        volumes: Content of `volumes.json`.
    """

    at: float
    started: float | None = None
    programs: Any = None
    processes: list[Any] | None = None
    restarts: Any = None
    conditions: tuple[tuple[Condition, float], ...] = ()
    answers: Mapping[str, str | None]
    uses: Mapping[str, Use]
    cpu: schema.Cpu
    memory: schema.Memory
    disks: tuple[schema.Disk, ...] = ()
    gpus: tuple[schema.Gpu, ...] = ()
    gpu_problem: str = ""
    models: Any = None
    volumes: Any = None


def make_snapshot(settings: Settings, seen: Seen, services: tuple[Row, ...] = SERVICES) -> schema.Snapshot:
    """Put together what was seen."""
    enabled = [row for row in services if row.enabled(settings)]
    down = [row.title for row in enabled if seen.answers.get(row.name) is not None]
    code, summary = verdict([row.title for row in enabled], down, [condition.name for condition, _ in seen.conditions])
    programs = dict(_programs(seen, services))
    urls = {row.name: row.address(settings) for row in services if row.page}
    return schema.Snapshot(
        schema=schema.SCHEMA,
        version=__version__,
        at=seen.at,
        pod=settings.pod_id,
        started=seen.started,
        supervised=seen.processes is not None,
        health="unhealthy" if code else summary.partition(":")[0],
        summary=summary,
        urls=urls,
        services=tuple(_service(row, settings, seen, programs.pop(row.name, None)) for row in services),
        helpers=tuple(programs.values()),
        restarts=tuple(_restarts(seen.restarts)),
        conditions=tuple(
            schema.Problem(name=each.name, reason=each.reason, remedy=each.remedy, since=since)
            for each, since in seen.conditions
        ),
        cpu=seen.cpu,
        memory=seen.memory,
        disks=seen.disks,
        gpus=seen.gpus,
        gpu_problem=seen.gpu_problem,
        models=seen.models if isinstance(seen.models, dict) else None,
        volumes=tuple(record for record in _values(seen.volumes) if isinstance(record, dict)),
    )


def as_json(snapshot: schema.Snapshot, redactor: Redactor) -> dict[str, Any]:
    """`status.json` as dicts and lists, without any secret."""
    content: dict[str, Any] = redactor.tree(asdict(snapshot))
    return content


def _programs(seen: Seen, services: tuple[Row, ...]) -> Iterable[tuple[str, schema.Program]]:
    """Every program: what supervisord says now, and what the plugin wrote down about it."""
    titles = {row.name: row.title for row in (*services, *HELPERS)}
    written = _mapping(_mapping(seen.programs).get("programs"))
    said = {str(each.get("name")): each for each in seen.processes or () if isinstance(each, dict)}
    for name in dict.fromkeys((*said, *written)):
        noted, info = _mapping(written.get(name)), said.get(name, {})
        state = str(info.get("statename") or noted.get("state") or "UNKNOWN")
        runs = state in (*_STARTED, "STOPPING")
        yield (
            name,
            schema.Program(
                name=name,
                title=titles.get(name, name),
                state=state,
                pid=_whole(info.get("pid", noted.get("pid"))) if runs else 0,
                started=_number(info.get("start") or noted.get("started")) if runs else None,
                exit_code=_whole(info["exitstatus"]) if "exitstatus" in info and not runs else None,
                restarts=_whole(noted.get("restarts")),
                reason=str(noted.get("reason") or ""),
                next_start=_number(noted.get("next_start")) if state == "BACKOFF" else None,
            ),
        )


def _service(row: Row, settings: Settings, seen: Seen, program: schema.Program | None) -> schema.Service:
    if program is None:
        program = schema.Program(
            name=row.name, title=row.title, state="UNKNOWN", pid=0, started=None, exit_code=None, restarts=0,
            reason="", next_start=None,
        )  # fmt: skip
    answers = seen.answers[row.name] is None if row.name in seen.answers else None
    use = seen.uses.get(row.name, Use())
    return schema.Service(
        **{each.name: getattr(program, each.name) for each in fields(program)},
        enabled=row.enabled(settings),
        health=_health(row, row.enabled(settings), program, answers, seen.at),
        answers=answers,
        problem=seen.answers.get(row.name) or "",
        port=row.public_port(settings) or row.port(settings),
        url=row.address(settings),
        memory_bytes=use.memory_bytes,
        memory_limit_bytes=row.memory_limit(settings) or None,
        cpu_percent=use.cpu_percent,
    )


def _health(row: Row, enabled: bool, program: schema.Program, answers: bool | None, now: float) -> str:
    if program.state in _STARTED:
        if answers:
            return "up"
        young = program.started is not None and now - program.started < row.startup_grace
        return "starting" if young or answers is None else "silent"
    if not enabled and program.state in ("STOPPED", "UNKNOWN"):
        return "off"
    return _WORDS.get(program.state, "unknown")


def _restarts(content: Any) -> Iterable[schema.Restart]:
    entries = _mapping(content).get("restarts")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and _number(entry.get("time")) is not None:
            yield schema.Restart(
                time=float(entry["time"]),
                program=str(entry.get("program", "")),
                number=_whole(entry.get("number")),
                kind=str(entry.get("kind", "")),
                reason=str(entry.get("reason", "")),
                uptime=_number(entry.get("uptime")) or 0.0,
                delay=_number(entry.get("delay")),
            )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _values(value: Any) -> Iterable[Any]:
    return _mapping(value).values()


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> int:
    return int(_number(value) or 0)
