"""P: what was seen of supervisord, its programs and the services' ports, as verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from entrypoint.doctor.check import Seen
from entrypoint.doctor.evaluate_machine import told
from entrypoint.doctor.finding import Verdict, failed, ok, skipped, warning
from entrypoint.settings.services import HELPERS, SERVICES, Service
from entrypoint.system.attach import Pod

#: This many failures in ten minutes are a crash loop.
CRASH_LOOP = 3


def supervisor(seen: Seen, pod: Pod) -> list[Verdict]:
    """Whether there is a pod at all."""
    if not seen["pid"]:
        where = f"no pod runs here: there is no supervisord of {seen['runtime']}"
        remedy = "start the container, or scripts/run; in local mode set PODKEEPER_HOME to its folder"
        return [failed("supervisord", where, remedy)]
    if seen.get("state") != "RUNNING":
        problem = seen.get("problem") or f"it is {seen.get('state')}"
        return [failed("supervisord", f"process {seen['pid']} does not serve: {problem}", "restart the pod")]
    return [ok("supervisord", f"runs as process {seen['pid']}")]


def programs(seen: Seen, pod: Pod) -> list[Verdict]:
    """Every program that should run: does it, and does it stay up?"""
    wanted = {service.name for service in SERVICES if service.enabled(pod.settings)} | {
        helper.name for helper in HELPERS if helper.always_on
    }
    verdicts = []
    for name in sorted(wanted, key=list(seen["programs"]).index if wanted <= set(seen["programs"]) else None):
        found = _program(name, seen["programs"].get(name, {}), seen)
        verdicts += [found] if found else []
    verdicts.sort(key=lambda verdict: verdict.state != "failed")
    return verdicts or [ok("programs", f"{', '.join(sorted(wanted))} run")]


def _program(name: str, facts: Mapping[str, Any], seen: Seen) -> Verdict | None:
    state = facts.get("state", "UNKNOWN")
    restarts = [
        entry for entry in seen["restarts"]
        if entry["program"] == name and entry["kind"] not in ("operator", "wanted")
    ]  # fmt: skip
    logs = f"read why: podkeeper logs {name}"
    if state == "STOPPED":
        return failed("programs", f"{name} was stopped", f"podkeeper start {name}")
    if state == "BACKOFF" or len(restarts) >= CRASH_LOOP:
        return failed("programs", f"{name} crashes again and again: {_restarts(facts, restarts, seen)}", logs)
    if state in ("EXITED", "FATAL", "UNKNOWN"):
        return failed("programs", f"{name} has ended and is not started again", f"{logs}; podkeeper start {name}")
    if restarts:
        return warning("programs", f"{name} was restarted: {_restarts(facts, restarts, seen)}", logs)
    return None


def _restarts(facts: Mapping[str, Any], restarts: list[Mapping[str, Any]], seen: Seen) -> str:
    told = f"{len(restarts)} times in ten minutes"
    if restarts:
        told += f", the last time because it {restarts[-1]['reason']}"
    if facts.get("next_start"):
        told += f"; next start in {max(0.0, facts['next_start'] - seen['now']):.0f} s"
    return told


def ports(seen: Seen, pod: Pod) -> list[Verdict]:
    """Each port is the pod's own, and open to the proxy."""
    verdicts, told = [], []
    for service in SERVICES:
        if service.enabled(pod.settings):
            port = service.port(pod.settings)
            rows = seen["listeners"].get(port, [])
            found = _port(service, port, rows, service.name in seen["running"])
            told.append(f"{port} ({service.title})")
            verdicts += [found] if found else []
    return verdicts or [ok("ports", f"{', '.join(told)}: taken by nobody else")]


def _port(service: Service, port: int, listeners: list[list[Any]], running: bool) -> Verdict | None:
    """A listener of another user has no process that we may know of (a container's root has no CAP_SYS_PTRACE): while
    the service runs, it is taken for the service."""
    foreign = [row for row in listeners if not row[3] and (row[1] or not running)]
    variable = service.port_setting.upper()
    if foreign:
        _, pid, name, _ = foreign[0]
        who = f"{name} (process {pid})" if pid else "a process of another user or container"
        text = f"port {port} of {service.title} is taken by {who}"
        end = f"kill {pid}" if pid else "end it"
        return failed("ports", text, f"{end}, or set {variable}; then podkeeper restart {service.name}")
    public = service.port_setting == service.public_setting  # one behind the gateway is on the loopback on purpose
    if public and listeners and all(row[0] in ("127.0.0.1", "::1") for row in listeners):
        text = f"{service.title} listens on {listeners[0][0]}:{port} only, where no proxy gets to"
        return failed("ports", text, "it must listen on 0.0.0.0: take the option out of your configuration")
    return None


def answers(seen: Seen, pod: Pod) -> list[Verdict]:
    """Each service says something."""
    verdicts = []
    for service in SERVICES:
        if service.name not in seen:
            verdicts.append(skipped(service.name, f"{service.title} is switched off"))
        elif seen[service.name]:
            text = f"{service.title} does not answer on port {service.port(pod.settings)}: {seen[service.name]}"
            remedy = f"podkeeper logs {service.name}; podkeeper restart {service.name}"
            verdicts.append(failed(service.name, text, remedy))
        else:
            verdicts.append(ok(service.name, f"{service.title} answers on port {service.port(pod.settings)}"))
    return verdicts


def comfyui_by_proxy(seen: Seen, pod: Pod) -> list[Verdict]:
    """The login; and a click in RunPod's console, which is a request from another site (ComfyUI issue 13450)."""
    if not pod.settings.comfyui_enabled:
        return [skipped("comfyui-proxy", "ComfyUI is switched off")]
    if pod.settings.comfyui_auth == "token" and not pod.settings.gateway:
        return [skipped("comfyui-proxy", "without nginx ComfyUI is for this machine, and JupyterLab's tile, only")]
    restart = "podkeeper restart gateway; podkeeper logs gateway"
    if pod.settings.comfyui_auth == "token" and seen["without_login"] < 400:
        text = f"everybody gets in to ComfyUI without the token ({seen['without_login']})"
        return [failed("comfyui-proxy", text, f"install nginx (the image has it); {restart}")]
    if seen["with_login"] in (401, 403):
        return [failed("comfyui-proxy", f"the token of this pod is refused ({seen['with_login']})", restart)]
    if seen["click"] == 403:
        return [failed("comfyui-proxy", "a click from RunPod's console is refused (403)", restart)]
    return [ok("comfyui-proxy", f"the token opens it, a click from RunPod's console too ({seen['click']})")]


def conditions(seen: Seen, pod: Pod) -> list[Verdict]:
    """What the pod itself has found to be wrong."""
    found = [told("conditions", name, reason, remedy) for name, reason, remedy in seen["conditions"]]
    found.sort(key=lambda verdict: verdict.state != "failed")
    return found or [ok("conditions", "none holds")]
