"""P: evaluates the facts about supervisord, its programs, the services' ports and the conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from entrypoint.doctor.check import Facts
from entrypoint.doctor.finding import Finding, condition_finding, failed, ok, skipped, warning
from entrypoint.settings.services import HELPERS, SERVICES, service_named
from entrypoint.settings.settings import Settings
from entrypoint.system.attach import Pod

#: This many failures in ten minutes are a crash loop.
CRASH_LOOP = 3


def supervisor(facts: Facts, pod: Pod) -> list[Finding]:
    """Report whether a pod runs here and its supervisord responds."""
    if not facts["pid"]:
        text = f"no pod runs here: no supervisord uses {facts['runtime']}"
        remedy = "start the container, or scripts/run; in local mode set PODKEEPER_HOME to its folder"
        return [failed("supervisord", text, remedy)]
    if facts.get("state") != "RUNNING":
        problem = facts.get("problem") or f"its state is {facts.get('state')}"
        return [failed("supervisord", f"process {facts['pid']} is not responding: {problem}", "restart the pod")]
    return [ok("supervisord", f"runs as process {facts['pid']}")]


def programs(facts: Facts, pod: Pod) -> list[Finding]:
    """Report the programs that should run and do not, or that crash."""
    wanted = {service.name for service in SERVICES if service.enabled(pod.settings)} | {
        helper.name for helper in HELPERS if helper.always_on and helper.enabled(pod.settings)
    }
    findings = []
    for name in sorted(wanted, key=list(facts["programs"]).index if wanted <= set(facts["programs"]) else None):
        found = _program(name, facts["programs"].get(name, {}), facts)
        findings += [found] if found else []
    findings.sort(key=lambda finding: finding.state != "failed")
    return findings or [ok("programs", f"{', '.join(sorted(wanted))} run")]


def _program(name: str, record: Mapping[str, Any], facts: Facts) -> Finding | None:
    state = record.get("state", "UNKNOWN")
    restarts = [
        entry for entry in facts["restarts"]
        if entry["program"] == name and entry["kind"] not in ("operator", "wanted")
    ]  # fmt: skip
    logs = f"find the reason: podkeeper logs {name}"
    if state == "STOPPED":
        return failed("programs", f"{name} was stopped", f"podkeeper start {name}")
    if state == "BACKOFF" or len(restarts) >= CRASH_LOOP:
        return failed("programs", f"{name} crashes repeatedly: {_restarts(record, restarts, facts)}", logs)
    if state in ("EXITED", "FATAL", "UNKNOWN"):
        return failed("programs", f"{name} has exited and is not restarted", f"{logs}; podkeeper start {name}")
    if restarts:
        return warning("programs", f"{name} was restarted: {_restarts(record, restarts, facts)}", logs)
    return None


def _restarts(record: Mapping[str, Any], restarts: list[Mapping[str, Any]], facts: Facts) -> str:
    text = f"{len(restarts)} times in ten minutes"
    if restarts:
        text += f", the last time because it {restarts[-1]['reason']}"
    if record.get("next_start"):
        text += f"; next start in {max(0.0, record['next_start'] - facts['now']):.0f} s"
    return text


class Listener(NamedTuple):
    """A port of the pod: the program that listens there, the title shown, and the setting that moves it."""

    port: int
    program: str
    title: str
    variable: str


def expected_listeners(settings: Settings) -> list[Listener]:
    """The ports on which the pod listens: each service's own, and in front of it the door's."""
    found = []
    for service in SERVICES:
        if service.page and service.enabled(settings):
            found.append(Listener(service.port(settings), service.name, service.title, service.port_setting.upper()))
            if service.behind_door(settings):
                public, variable = service.public_port(settings), service.public_setting.upper()
                found.append(Listener(public, "gateway", service.title, variable))
    return found


def ports(facts: Facts, pod: Pod) -> list[Finding]:
    """Report ports that another process uses."""
    findings, checked = [], []
    for expected in expected_listeners(pod.settings):
        running = expected.program in facts["running"]
        found = _port(expected, facts["listeners"].get(expected.port, []), running)
        checked.append(f"{expected.port} ({expected.title})")
        findings += [found] if found else []
    return findings or [ok("ports", f"{', '.join(checked)}: no port conflicts")]


def _port(expected: Listener, listeners: list[list[Any]], running: bool) -> Finding | None:
    """Return the problem of one port, or None.

    The process of another user's listener is unknown (a container's root has no CAP_SYS_PTRACE): while the program
    runs, such a listener counts as the program.
    """
    foreign = [row for row in listeners if not row[3] and (row[1] or not running)]
    if not foreign:
        return None
    _, pid, name, _ = foreign[0]
    owner = f"{name} (process {pid})" if pid else "a process of another user or container"
    text = f"port {expected.port} of {expected.title} is taken by {owner}"
    end = f"kill {pid}" if pid else "end it"
    return failed("ports", text, f"{end}, or set {expected.variable}; then podkeeper restart {expected.program}")


def services(facts: Facts, pod: Pod) -> list[Finding]:
    """Report the services that do not answer on their health address."""
    findings = []
    for service in SERVICES:
        if service.name not in facts:
            findings.append(skipped(service.name, f"{service.title} is switched off"))
        elif facts[service.name]:
            text = f"{service.title} does not answer on port {service.port(pod.settings)}: {facts[service.name]}"
            remedy = f"podkeeper logs {service.name}; podkeeper restart {service.name}"
            findings.append(failed(service.name, text, remedy))
        else:
            findings.append(ok(service.name, f"{service.title} answers on port {service.port(pod.settings)}"))
    return findings


def comfyui_by_proxy(facts: Facts, pod: Pod) -> list[Finding]:
    """Report on ComfyUI's login, and on a click in RunPod's console: a cross-site request (ComfyUI issue 13450)."""
    if not pod.settings.comfyui_enabled:
        return [skipped("comfyui-proxy", "ComfyUI is switched off")]
    if pod.settings.comfyui_auth == "token" and not service_named("comfyui").behind_door(pod.settings):
        text = "without nginx ComfyUI is reachable from this machine only"
        return [skipped("comfyui-proxy", text)]
    restart = "podkeeper restart gateway; podkeeper logs gateway"
    if pod.settings.comfyui_auth == "token" and facts["without_login"] < 400:
        text = f"ComfyUI accepts requests without the token ({facts['without_login']})"
        return [failed("comfyui-proxy", text, f"install nginx (the image has it); {restart}")]
    if facts["with_login"] in (401, 403):
        return [failed("comfyui-proxy", f"ComfyUI refuses this pod's token ({facts['with_login']})", restart)]
    if facts["click"] == 403:
        return [failed("comfyui-proxy", "ComfyUI refuses a click from RunPod's console (403)", restart)]
    return [ok("comfyui-proxy", f"accepts the token, and a click from RunPod's console ({facts['click']})")]


def conditions(facts: Facts, pod: Pod) -> list[Finding]:
    """Report the conditions that the pod has recorded."""
    found = [condition_finding("conditions", name, reason, remedy) for name, reason, remedy in facts["conditions"]]
    found.sort(key=lambda finding: finding.state != "failed")
    return found or [ok("conditions", "no condition holds")]
