"""A: what ComfyUI works on now, by its own /queue."""

from __future__ import annotations

from typing import NamedTuple

from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.system.loopback_http import get, get_json

_PROBE_S = 5.0


class Work(NamedTuple):
    """`silent`: ComfyUI runs, but is too busy to respond. All zero and false where it does not run."""

    running: int = 0
    waiting: int = 0
    silent: bool = False


def work_of(settings: Settings) -> Work:
    """Ask ComfyUI."""
    port = service_named("comfyui").port(settings)
    found = get_json(port, "/queue", _PROBE_S)
    if isinstance(found, dict):
        running, waiting = (len(found.get(f"queue_{name}") or ()) for name in ("running", "pending"))
        return Work(running, waiting)
    problem = get(port, "/queue", _PROBE_S).problem or ""
    return Work(silent=problem.startswith("no answer"))
