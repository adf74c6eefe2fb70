"""P: what the container's log says at the end of a start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from entrypoint.conditions.condition import Condition
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import Service
from entrypoint.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class State:
    """What became of one service's start. `seconds` is None while it does not answer."""

    service: Service
    seconds: float | None
    enabled: bool


def up_line(state: State, url: str) -> str:
    """One line for the moment a service answers."""
    return f"podkeeper: {state.service.title} is up after {state.seconds:.1f} s: {url}\n"


def banner(
    states: list[State],
    urls: Mapping[str, str],
    settings: Settings,
    paths: Paths,
    conditions: list[Condition],
) -> str:
    """The whole banner: what is up, where, how to log in, what is wrong."""
    rows = [(state.service.title, _state_text(state, urls[state.service.name])) for state in states]
    rows.append(("Data", _data_text(settings, paths)))
    rows.append(("Logs", f"{paths.log}/jupyter.log, {paths.log}/comfyui.log"))
    rows += [("Problem", str(condition)) for condition in conditions]
    lines = [f"  {title:<11}{text}" for title, text in rows]
    rule = "-" * 78
    return "\n".join([rule, *lines, rule]) + "\n"


def _state_text(state: State, url: str) -> str:
    if not state.enabled:
        return "switched off"
    if state.seconds is None:
        return "does not answer yet"
    return f"{url}  (up after {state.seconds:.1f} s)"


def _data_text(settings: Settings, paths: Paths) -> str:
    shown = paths.data if paths.stored == paths.data else f"{paths.data} -> {paths.stored}"
    if paths.volume:
        return f"{shown} (on the volume)"
    return shown if settings.home else f"{shown} (no volume: gone when the container is removed)"
