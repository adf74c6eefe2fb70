"""A: restarts ComfyUI between two workflows, so that none is lost."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator

from entrypoint.nodes.outcome import Refused
from entrypoint.queue.drain import is_drained
from entrypoint.queue.work import work_of
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.supervisord_rpc import Refused as Fault
from entrypoint.system.supervisord_rpc import call

#: The file in the requests folder for whose first 15 s ComfyUI takes no new workflow (handover/nodes/podkeeper.py).
HOLD = "comfyui-hold"
_PROBE_S, _EVERY_S, _TELL_S = 5.0, 0.5, 60.0
#: Seconds for which the queue has to stay empty: a workflow that is being sent while the hold begins is in it then.
_SETTLED_S = 1.0
#: Seconds supervisord may take to stop ComfyUI; it kills after 6.
_STOP_S = 15.0


def runs(paths: Paths) -> bool:
    """Whether supervisord runs ComfyUI, or is about to."""
    try:
        found = call(_socket(paths), "supervisor.getProcessInfo", "comfyui", timeout=_PROBE_S)
    except (OSError, Fault):
        return False
    return found.get("statename") in ("STARTING", "RUNNING", "BACKOFF", "STOPPING")


def restart(paths: Paths) -> None:
    """Restart it now. Raises Refused."""
    try:
        with contextlib.suppress(Fault):  # it waits for its restart
            call(_socket(paths), "supervisor.stopProcess", "comfyui", True, timeout=_STOP_S)
        call(_socket(paths), "supervisor.startProcess", "comfyui", False, timeout=_STOP_S)
    except (OSError, Fault) as error:
        raise Refused(f"cannot restart ComfyUI: {error}; run: podkeeper restart comfyui") from None


def _socket(paths: Paths) -> str:
    return f"{paths.runtime}/supervisor.sock"


@contextlib.contextmanager
def held(settings: Settings, paths: Paths, say: Callable[[str], None]) -> Iterator[None]:
    """Wait until no workflow runs or waits, and let no new one in."""
    hold = f"{paths.requests}/{HOLD}"
    told = 0.0
    try:
        while True:
            while waiting := _queued(settings, paths):
                if time.monotonic() - told > _TELL_S:
                    say(f"waiting for ComfyUI's queue: {waiting}")
                    told = time.monotonic()
                time.sleep(_EVERY_S)
            _touch(hold)
            if _stays_empty(settings, paths):
                break
            os.unlink(hold)
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(hold)


def _stays_empty(settings: Settings, paths: Paths) -> bool:
    until = time.monotonic() + _SETTLED_S
    while not _queued(settings, paths):
        if time.monotonic() > until:
            return True
        time.sleep(_EVERY_S)
    return False


def _touch(path: str) -> None:
    with open(path, "w", encoding="utf-8"):
        pass
    os.utime(path)


def _queued(settings: Settings, paths: Paths) -> str:
    """What ComfyUI works on; "" for nothing. A ComfyUI that is too busy to respond counts as working; what waits in a
    drained pod does not begin."""
    work = work_of(settings)
    waiting = 0 if is_drained(paths) else work.waiting
    if work.running or waiting:
        return f"{work.running} running, {waiting} waiting"
    return "it does not respond" if work.silent else ""


def restart_if_idle(settings: Settings, paths: Paths) -> bool:
    """Restart ComfyUI where no workflow runs or waits. Raises Refused."""
    if not runs(paths) or _queued(settings, paths):
        return False
    with held(settings, paths, lambda words: None):
        restart(paths)
    return True
