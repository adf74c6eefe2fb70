"""P: ports that are the same: internal ports move out of the way, public ones get the next free default."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import chain
from typing import Any

#: `Settings`, whose module imports this one.
Settings = Any

_SERVICES = ("jupyter", "comfyui", "status")
_PUBLIC = tuple(f"{name}_port" for name in _SERVICES)
#: The public ports' defaults, which the image exposes; then others.
_DEFAULTS = {"jupyter_port": 8189, "comfyui_port": 8188, "status_port": 8190}
_MOVED = range(18200, 18300)


def with_free_internal_ports(settings: Settings, given: Collection[str]) -> Settings:
    """Move every internal port that no user chose (it is not in `given`) away from the other ports."""
    used = {getattr(settings, name) for name in (*_PUBLIC, *(f"{each}_internal_port" for each in _SERVICES))}
    moved: dict[str, Any] = {}
    taken = {getattr(settings, name) for name in _PUBLIC}
    taken |= {getattr(settings, name) for each in _SERVICES if (name := f"{each}_internal_port") in given}
    for each in _SERVICES:
        name = f"{each}_internal_port"
        if name not in given and getattr(settings, name) in taken:
            moved[name] = next(port for port in _MOVED if port not in used)
            used.add(moved[name])
    return replace(settings, **moved) if moved else settings


def clashes(settings: Settings) -> list[str]:
    """Return the problems of ports that are the same. An internal port equal to its public one means no door."""
    problems = []
    taken: dict[int, str] = {}
    for variable, port in _pairs(settings):
        if variable.endswith("_INTERNAL_PORT") and taken.get(port) == variable.replace("_INTERNAL", ""):
            continue
        if port in taken:
            problems.append(f"cannot use {variable}='{port}': {taken[port]} is the same")
        taken.setdefault(port, variable)
    return problems


def without_clashes(settings: Settings, given: Collection[str]) -> tuple[Settings, list[str]]:
    """Return the settings with different ports, and a line for each port that had to change."""
    problems: list[str] = []
    public: dict[str, Any] = {}
    for name in _PUBLIC:
        port = getattr(settings, name)
        if port in public.values():
            candidates = chain([_DEFAULTS[name]], _DEFAULTS.values(), range(8191, 8200))
            chosen = next(other for other in candidates if other not in public.values())
            same = next(other for other, theirs in public.items() if theirs == port)
            problems.append(
                f"cannot use {name.upper()}='{port}': {same.upper()} is the same; {chosen} is used: publish it"
            )
            port = chosen
        public[name] = port
    settings = replace(settings, **public)
    kept: list[str] = []
    for each in _SERVICES:
        name = f"{each}_internal_port"
        if name in given:
            port = getattr(settings, name)
            others = [theirs for other, theirs in public.items() if other != f"{each}_port"]
            if port in (*others, *(getattr(settings, other) for other in kept)):
                problems.append(f"cannot use {name.upper()}='{port}': another port is the same; a free one is used")
                continue
            kept.append(name)
    return with_free_internal_ports(settings, kept), problems


def _pairs(settings: Settings) -> list[tuple[str, int]]:
    names = [name for each in _SERVICES for name in (f"{each}_port", f"{each}_internal_port")]
    return [(name.upper(), getattr(settings, name)) for name in names]
