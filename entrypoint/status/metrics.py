"""P: `status.json` -> metrics for Prometheus (text format 0.0.4).

Names follow Prometheus' conventions: base units, `_total` for counters, a state as one series for each state name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from entrypoint.status.custom_nodes import STATES

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: One sample: labels, and a number; None is left out.
Samples = Iterable[tuple[dict[str, Any], float | int | bool | None]]


def metrics_text(content: dict[str, Any]) -> str:
    """The metrics: every number of a snapshot, and the conditions with reason and remedy."""
    return "".join(
        f"# HELP podkeeper_{name} {text}\n# TYPE podkeeper_{name} {kind}\n" + "".join(lines)
        for name, kind, text, samples in _families(content)
        if (lines := [_line(name, labels, value) for labels, value in samples if value is not None])
    )


def _families(content: dict[str, Any]) -> Iterable[tuple[str, str, str, Samples]]:
    health = [({"health": word}, content["health"] == word) for word in ("healthy", "degraded", "unhealthy")]
    yield "health", "gauge", "1 for the pod's health.", health
    yield "build_info", "gauge", "1; the label is the version.", [({"version": content["version"]}, 1)]
    yield "start_time_seconds", "gauge", "Time the pod's start began.", [({}, content["started"])]
    conditions = [
        ({"condition": each["name"], "reason": each["reason"], "remedy": each["remedy"]}, 1)
        for each in content["conditions"]
    ]
    yield "condition", "gauge", "1 for each condition that holds.", conditions
    yield from _program_families(content)
    yield from _machine_families(content)
    yield from _disk_and_gpu_families(content)
    yield from _output_families(content["outputs"])
    yield from _meter_families(content["meter"])
    yield from _model_families(content["models"])
    yield from _node_families(content["nodes"])


def _program_families(content: dict[str, Any]) -> Iterable[tuple[str, str, str, Samples]]:
    services = [({"service": each["name"]}, each) for each in content["services"]]
    programs = [({"program": each["name"]}, each) for each in content["services"] + content["helpers"]]
    for name, text, key in (
        ("service_enabled", "Whether the settings enable the service.", "enabled"),
        ("service_answers", "Whether the service's health path answers.", "answers"),
        ("service_memory_bytes", "Private memory of the service's process tree.", "memory_bytes"),
    ):
        yield name, "gauge", text, [(labels, each[key]) for labels, each in services]
    states = [(labels | {"state": each["state"]}, 1) for labels, each in programs]
    restarts = [(labels, each["restarts"]) for labels, each in programs]
    started = [(labels, each["started"]) for labels, each in programs]
    yield "program_state", "gauge", "1 for the program's state in supervisord.", states
    yield "program_restarts_total", "counter", "Restarts of the program since the pod's start.", restarts
    yield "program_start_time_seconds", "gauge", "Time the program's process was started.", started


def _machine_families(content: dict[str, Any]) -> Iterable[tuple[str, str, str, Samples]]:
    cpu, memory = content["cpu"], content["memory"]
    yield "cpu_used_ratio", "gauge", "Share of the usable cores that is busy.", [({}, _ratio(cpu["used_percent"]))]
    yield "cpu_cores", "gauge", "Cores the pod may use.", [({}, cpu["cores"])]
    yield "memory_used_bytes", "gauge", "Memory in use, without droppable cache.", [({}, memory["used_bytes"])]
    limit = "Memory limit of the container, else the machine's memory."
    yield "memory_limit_bytes", "gauge", limit, [({}, memory["limit_bytes"])]
    kills = "Processes the kernel killed for lack of memory."
    yield "oom_kills_total", "counter", kills, [({}, memory["oom_kills"])]


def _disk_and_gpu_families(content: dict[str, Any]) -> Iterable[tuple[str, str, str, Samples]]:
    disks = [({"disk": each["name"], "path": each["path"]}, each) for each in content["disks"]]
    answers = [(labels, not each["problem"]) for labels, each in disks]
    yield "disk_answers", "gauge", "Whether the file system answers.", answers
    for key, text in (
        ("size", "Size of the file system."),
        ("used", "Used space of the file system."),
        ("free", "Free space of the file system for users other than root."),
    ):
        sizes = [(labels, None if each["problem"] else each[f"{key}_bytes"]) for labels, each in disks]
        yield f"disk_{key}_bytes", "gauge", text, sizes
    gpus = [({"gpu": each["index"], "name": each["name"]}, each) for each in content["gpus"]]
    busy = [(labels, _ratio(each["used_percent"])) for labels, each in gpus]
    yield "gpu_used_ratio", "gauge", "Share of the time the GPU was busy.", busy
    for name, text in (
        ("memory_used_bytes", "Used memory of the GPU."),
        ("memory_size_bytes", "Memory of the GPU."),
        ("temperature_celsius", "Temperature of the GPU."),
        ("power_watts", "Power draw of the GPU."),
    ):
        yield f"gpu_{name}", "gauge", text, [(labels, each[name]) for labels, each in gpus]


def _output_families(outputs: dict[str, Any] | None) -> Iterable[tuple[str, str, str, Samples]]:
    if not outputs:
        return
    known = [({"to": outputs["to"]}, outputs["known"])]
    yield "outputs_delivery_runs", "gauge", "Whether the program that delivers outputs reports.", known
    if outputs["known"]:
        done, total = outputs["delivered"], outputs["total"]
        yield "outputs_delivered", "gauge", "Files of the output folder that are delivered.", [({}, done)]
        yield "outputs_left", "gauge", "Files of the output folder that are not delivered.", [({}, total - done)]


def _meter_families(meter: dict[str, Any] | None) -> Iterable[tuple[str, str, str, Samples]]:
    if not meter:
        return
    for name, kind, text, value in (
        ("cost_dollars_per_hour", "gauge", "Price of an hour.", meter["price"]),
        ("cost_dollars_total", "counter", "Cost since the pod's start.", meter["cost"]),
        ("cost_idle_dollars_total", "counter", "Cost of the time in which nothing was at work.", meter["cost_idle"]),
        ("cost_today_dollars", "gauge", "Cost on this day.", meter["cost_today"]),
        ("idle", "gauge", "Whether nothing is at work.", meter["idle_since"] is not None),
        ("idle_seconds_total", "counter", "Time since the pod's start in which nothing was at work.", meter["idle"]),
        ("stop_time_seconds", "gauge", "Time at which the pod is stopped.", meter["stop_at"]),
    ):
        yield name, kind, text, [({}, value)]


def _model_families(models: dict[str, Any] | None) -> Iterable[tuple[str, str, str, Samples]]:
    if not models:
        return
    for name, key, text in (
        ("models_bytes", "bytes", "Downloaded bytes of the requested models."),
        ("models_size_bytes", "size", "Size of the requested models, as far as known."),
        ("models_bytes_per_second", "bytes_per_second", "Download rate."),
    ):
        value = models.get(key)
        yield name, "gauge", text, [({}, value if isinstance(value, int | float) else None)]
    files = models.get("files")
    states = [str(each.get("state")) for each in files if isinstance(each, dict)] if isinstance(files, list) else []
    counts = [({"state": state}, states.count(state)) for state in sorted(set(states))]
    yield "models_files", "gauge", "Model files in each state.", counts


def _node_families(nodes: dict[str, Any]) -> Iterable[tuple[str, str, str, Samples]]:
    states = [each["state"] for each in nodes["nodes"]]
    counts = [({"state": state}, states.count(state)) for state in STATES if states]
    yield "custom_nodes", "gauge", "Custom nodes of ComfyUI in each state.", counts


def _line(name: str, labels: dict[str, Any], value: float | int | bool | None) -> str:
    shown = ",".join(f'{key}="{_escaped(str(text))}"' for key, text in labels.items())
    number = repr(value + 0) if isinstance(value, bool | int | float) else "NaN"
    return f"podkeeper_{name}{'{' + shown + '}' if shown else ''} {number}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _ratio(percent: float | None) -> float | None:
    return None if percent is None else round(percent / 100, 4)
