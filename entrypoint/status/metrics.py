"""P: `status.json` -> the text that Prometheus reads (text format 0.0.4).

Names follow its habit: base units, `_total` for what only grows, a state as one series a state word.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: One sample: labels, and a number; None is left out.
Samples = Iterable[tuple[dict[str, Any], float | int | bool | None]]


def metrics_text(content: dict[str, Any]) -> str:
    """Everything of a snapshot that is a number, and the conditions with their words."""
    return "".join(
        f"# HELP podkeeper_{name} {text}\n# TYPE podkeeper_{name} {kind}\n" + "".join(lines)
        for name, kind, text, samples in _families(content)
        if (lines := [_line(name, labels, value) for labels, value in samples if value is not None])
    )


def _families(content: dict[str, Any]) -> Iterable[tuple[str, str, str, Samples]]:
    yield (
        "health",
        "gauge",
        "1 for what the pod is.",
        [({"health": word}, content["health"] == word) for word in ("healthy", "degraded", "unhealthy")],
    )
    yield "build_info", "gauge", "1; the label is the version.", [({"version": content["version"]}, 1)]
    yield "start_time_seconds", "gauge", "When the pod's start began.", [({}, content["started"])]
    yield (
        "condition",
        "gauge",
        "1 for each thing that is wrong.",
        [
            ({"condition": each["name"], "reason": each["reason"], "remedy": each["remedy"]}, 1)
            for each in content["conditions"]
        ],
    )
    yield from _of_programs(content)
    yield from _of_machine(content)
    yield from _of_disks_and_gpus(content)
    yield from _of_models(content["models"])


def _of_programs(content: dict[str, Any]) -> Iterable[tuple[str, str, str, Samples]]:
    services = [({"service": each["name"]}, each) for each in content["services"]]
    everyone = [({"program": each["name"]}, each) for each in content["services"] + content["helpers"]]
    for name, text, key in (
        ("service_enabled", "Whether the settings want it.", "enabled"),
        ("service_answers", "Whether its health path answers.", "answers"),
        ("service_memory_bytes", "Private memory of its process tree.", "memory_bytes"),
    ):
        yield name, "gauge", text, [(labels, each[key]) for labels, each in services]
    yield (
        "program_state",
        "gauge",
        "1 for supervisord's word for its state.",
        [(labels | {"state": each["state"]}, 1) for labels, each in everyone],
    )
    yield (
        "program_restarts_total",
        "counter",
        "Starts after the first.",
        [(labels, each["restarts"]) for labels, each in everyone],
    )
    yield (
        "program_start_time_seconds",
        "gauge",
        "When its process was started.",
        [(labels, each["started"]) for labels, each in everyone],
    )


def _of_machine(content: dict[str, Any]) -> Iterable[tuple[str, str, str, Samples]]:
    cpu, memory = content["cpu"], content["memory"]
    yield "cpu_used_ratio", "gauge", "Of the cores the pod may use.", [({}, _ratio(cpu["used_percent"]))]
    yield "cpu_cores", "gauge", "Cores the pod may use.", [({}, cpu["cores"])]
    yield "memory_used_bytes", "gauge", "Without droppable cache.", [({}, memory["used_bytes"])]
    yield (
        "memory_limit_bytes",
        "gauge",
        "The container's limit, else the machine's memory.",
        [({}, memory["limit_bytes"])],
    )
    yield (
        "oom_kills_total",
        "counter",
        "Processes the kernel killed for lack of memory.",
        [({}, memory["oom_kills"])],
    )


def _of_disks_and_gpus(content: dict[str, Any]) -> Iterable[tuple[str, str, str, Samples]]:
    disks = [({"disk": each["name"], "path": each["path"]}, each) for each in content["disks"]]
    yield (
        "disk_answers",
        "gauge",
        "Whether the file system answers.",
        [(labels, not each["problem"]) for labels, each in disks],
    )
    for key, text in (
        ("size", "Its size."),
        ("used", "Used of it."),
        ("free", "What the pod may still write."),
    ):
        yield (
            f"disk_{key}_bytes",
            "gauge",
            text,
            [(labels, None if each["problem"] else each[f"{key}_bytes"]) for labels, each in disks],
        )
    gpus = [({"gpu": each["index"], "name": each["name"]}, each) for each in content["gpus"]]
    yield (
        "gpu_used_ratio",
        "gauge",
        "Share of the time it was busy.",
        [(labels, _ratio(each["used_percent"])) for labels, each in gpus],
    )
    for name, text in (
        ("memory_used_bytes", "Used memory of the GPU."),
        ("memory_size_bytes", "Memory of the GPU."),
        ("temperature_celsius", "Its temperature."),
        ("power_watts", "What it draws."),
    ):
        yield f"gpu_{name}", "gauge", text, [(labels, each[name]) for labels, each in gpus]


def _of_models(models: dict[str, Any] | None) -> Iterable[tuple[str, str, str, Samples]]:
    if not models:
        return
    for name, key, text in (
        ("models_bytes", "bytes", "On the disk, of what is wanted."),
        ("models_size_bytes", "size", "Of all that is wanted, as far as known."),
        ("models_bytes_per_second", "bytes_per_second", "How fast they come."),
    ):
        value = models.get(key)
        yield name, "gauge", text, [({}, value if isinstance(value, int | float) else None)]
    files = models.get("files")
    states = [str(each.get("state")) for each in files if isinstance(each, dict)] if isinstance(files, list) else []
    yield (
        "models_files",
        "gauge",
        "Files in each state.",
        [({"state": state}, states.count(state)) for state in sorted(set(states))],
    )


def _line(name: str, labels: dict[str, Any], value: float | int | bool | None) -> str:
    shown = ",".join(f'{key}="{_escaped(str(text))}"' for key, text in labels.items())
    number = repr(value + 0) if isinstance(value, bool | int | float) else "NaN"
    return f"podkeeper_{name}{'{' + shown + '}' if shown else ''} {number}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _ratio(percent: float | None) -> float | None:
    return None if percent is None else round(percent / 100, 4)
