"""P: turns a snapshot into text for a terminal, and into the exit code for scripts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from entrypoint.commands.cost_text import meter_lines
from entrypoint.status.schema import GpuCheck, Program, Service, Snapshot

#: 3 is LSB's "program is not running" for an init script's `status`.
ALL_ANSWER, UNHEALTHY, SOME_DO_NOT = 0, 1, 3
#: The number of restarts shown for each program.
_RESTARTS = 3


def exit_code(snapshot: Snapshot, names: tuple[str, ...] = ()) -> int:
    """Return 0 where every enabled service answers, 1 where the first one does not, 3 where another does not.

    Args:
        snapshot: The pod's state.
        names: Only these programs count; a program without a port has to run. (): all services.
    """
    if names:
        return SOME_DO_NOT if any(not _well(each) for each in programs(snapshot, names)) else ALL_ANSWER
    if snapshot.health == "unhealthy":
        return UNHEALTHY
    enabled = [service for service in snapshot.services if service.enabled]
    return SOME_DO_NOT if any(not service.answers for service in enabled) else ALL_ANSWER


def programs(snapshot: Snapshot, names: tuple[str, ...]) -> list[Program]:
    """Return the programs, services first; with names, only the programs of those names."""
    every: list[Program] = [*snapshot.services, *snapshot.helpers]
    return [each for each in every if not names or each.name in names]


def _well(program: Program) -> bool:
    if isinstance(program, Service):
        return bool(program.answers)
    return program.state == "RUNNING" or (program.state == "EXITED" and not program.exit_code)


def status_text(snapshot: Snapshot, names: tuple[str, ...] = ()) -> str:
    """Return the text, one line for each thing; a program's line begins with its name and its state."""
    lines: list[str] = []
    for program in programs(snapshot, names):
        lines += _program(program, snapshot)
    if not names:
        lines += _rest(snapshot)
        lines.append(_summary(snapshot))
    return "\n".join(lines) + "\n"


def _summary(snapshot: Snapshot) -> str:
    supervised = "" if snapshot.supervised else "; supervisord does not respond, this is its last recorded state"
    return f"{snapshot.summary}{supervised}"


def _program(program: Program, snapshot: Snapshot) -> list[str]:
    parts = [_progress(program, snapshot.at)]
    if isinstance(program, Service) and program.state != "BACKOFF":
        parts.append(_answer(program))
    if isinstance(program, Service) and program.memory_bytes:
        parts.append(_memory(program.memory_bytes, program.memory_limit_bytes))
    lines = [f"{program.name:<9} {program.state:<9} {', '.join(part for part in parts if part)}"]
    for entry in [each for each in snapshot.restarts if each.program == program.name][-_RESTARTS:]:
        when = datetime.fromtimestamp(entry.time, UTC).astimezone().strftime("%H:%M:%S")
        lines.append(f"{'':19} {when} restart #{entry.number}: {entry.reason}, after {duration(entry.uptime)}")
    return lines


def _progress(program: Program, at: float) -> str:
    """Return the text beside the state: the uptime, the next start, or how the program ended."""
    if program.state == "BACKOFF":
        left = max(0.0, (program.next_start or at) - at)
        return f"{program.reason}; restart #{program.restarts + 1} in {left:.1f} s"
    if program.started is not None:
        return f"up {duration(at - program.started)}, pid {program.pid}"
    if program.exit_code is not None and program.state == "EXITED":
        return f"exited with code {program.exit_code}"
    return program.reason if program.state == "FATAL" else ""


def _answer(service: Service) -> str:
    if not service.enabled:
        return "switched off"
    if service.answers:
        return f"answers at {service.url}" if service.url else "answers"
    return f"does not answer: {service.problem}" if service.problem else service.health


def _memory(used: int, limit: int | None) -> str:
    return f"{used >> 20} MiB" + (f" of {limit >> 20}" if limit else "")


def _rest(snapshot: Snapshot) -> Iterable[str]:
    for problem in snapshot.conditions:
        yield f"{'note' if problem.severity == 'note' else 'problem':9} {problem.name}: {problem.reason}"
        yield f"{'':9} -> {problem.remedy}"
    if snapshot.outputs:
        yield f"outputs   {snapshot.outputs.text}"
    if snapshot.meter:
        yield from (f"{'cost':9} {line}" for line in meter_lines(snapshot.meter))
    if snapshot.models:
        yield f"models    {_models(snapshot.models)}"
    for record in snapshot.volumes:
        if record.get("state") in ("waiting", "running"):
            yield f"volume    pass over {record.get('path')} is {record['state']}: {record.get('files', 0)} files seen"
    memory = snapshot.memory
    yield f"memory    {_gib(memory.used_bytes)} of {_gib(memory.limit_bytes)} GiB"
    for disk in snapshot.disks:
        room = disk.problem or f"{_gib(disk.free_bytes)} of {_gib(disk.size_bytes)} GiB free"
        yield f"disk      {disk.name} ({disk.path}): {room}"
    for gpu in snapshot.gpus:
        used, size = _gib(gpu.memory_used_bytes), _gib(gpu.memory_size_bytes)
        busy = "?" if gpu.used_percent is None else f"{gpu.used_percent:.0f}"
        yield f"gpu       {gpu.index} {gpu.name}: {busy} % busy, {used} of {size} GiB"
    yield from _gpu_check(snapshot.gpu_check)


def _gpu_check(check: GpuCheck | None) -> Iterable[str]:
    if check and check.state != "skipped":
        yield f"gpu       check {check.state}: {check.text}"


def _models(record: dict[str, Any]) -> str:
    files = [each for each in record.get("files") or () if isinstance(each, dict)]
    installed = sum(each.get("state") == "there" for each in files)
    have, size = int(record.get("bytes") or 0), int(record.get("size") or 0)
    share = f" ({100 * have // size} %)" if size else ""
    text = f"{record.get('state')}: {installed} of {len(files)} files, {have / 1e9:.1f} of {size / 1e9:.1f} GB{share}"
    rate = float(record.get("bytes_per_second") or 0)
    if record.get("state") == "running" and rate:
        text += f", {rate / 1e6:.0f} MB/s, {duration((size - have) / rate)} to go"
    return text


def duration(seconds: float) -> str:
    """`12 s`, `3:20`, `1:02:03`, `4 days 1:02`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    if hour >= 24:
        return f"{hour // 24} days {hour % 24}:{minute:02}"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


def _gib(size: int | None) -> str:
    return "?" if size is None else f"{size / (1 << 30):.1f}"
