"""P: the banner: the text in the container's log at the end of a start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from entrypoint.conditions.condition import Condition
from entrypoint.runpod.actions import action_of, is_wanted
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import Service
from entrypoint.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class State:
    """The result of one service's start; `seconds`: from the pod's start until it answered, None: it does not."""

    service: Service
    seconds: float | None
    enabled: bool


def up_line(state: State, url: str) -> str:
    """The line for the moment a service answers."""
    return f"podkeeper: {state.service.title} is up after {state.seconds:.1f} s: {url}\n"


def banner(
    states: list[State],
    urls: Mapping[str, str],
    settings: Settings,
    paths: Paths,
    conditions: list[Condition],
    environ: Mapping[str, str],
) -> str:
    """The banner: what is up and where, how to log in, what is wrong.

    Args:
        states: The result of each service's start.
        urls: Service name -> address with the login in it.
        settings: The pod's settings.
        paths: The pod's paths.
        conditions: What is wrong.
        environ: RunPod's variables with the public address of ssh.
    """
    rows = [(state.service.title, _state_text(state, urls[state.service.name])) for state in states]
    if settings.ssh_enabled:
        down = any(condition.name == "SshUnavailable" for condition in conditions)
        rows.append(("SSH", "does not run" if down else ssh_text(settings, environ)))
    rows.append(("Data", _data_text(settings, paths)))
    rows.append(("Logs", f"{paths.log}/jupyter.log, {paths.log}/comfyui.log"))
    if is_wanted(settings):
        rows.append(("Stop", _stop_text(settings)))
    rows += [("Problem", str(condition)) for condition in conditions]
    lines = [f"  {title:<11}{text}" for title, text in rows]
    rule = "-" * 78
    return "\n".join([rule, *lines, rule]) + "\n"


def ssh_text(settings: Settings, environ: Mapping[str, str]) -> str:
    """How to log in by ssh; RunPod publishes port 22 of a pod at another port of the machine's address."""
    host, port = environ.get("RUNPOD_PUBLIC_IP", ""), environ.get(f"RUNPOD_TCP_PORT_{settings.ssh_port}", "")
    if host and port:
        return f"ssh root@{host} -p {port}"
    return f"port {settings.ssh_port}, as root, with a key of PUBLIC_KEY"


def _state_text(state: State, url: str) -> str:
    if not state.enabled:
        return "switched off"
    if state.seconds is None:
        return "does not answer yet"
    return f"{url}  (up after {state.seconds:.1f} s)"


def _stop_text(settings: Settings) -> str:
    limits = [f"{settings.idle_stop} idle"] if settings.idle_stop else []
    limits += [f"{settings.max_hours:g} h"] if settings.max_hours else []
    limits += [f"${settings.max_cost:g}"] if settings.max_cost else []
    return f"after {' or '.join(limits)} ({action_of(settings)}); to keep an idle pod: podkeeper keep 8h"


def _data_text(settings: Settings, paths: Paths) -> str:
    shown = paths.data if paths.stored == paths.data else f"{paths.data} -> {paths.stored}"
    if paths.volume:
        return f"{shown} (on the volume)"
    return shown if settings.home else f"{shown} (no volume: gone when the container is removed)"
