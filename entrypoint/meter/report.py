"""A: the meter's files: its report for the other programs, what the volume keeps of the run, and its login."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from entrypoint.door.pass_through import DOOR_HEADER
from entrypoint.meter.ledger import Kept, kept_of
from entrypoint.meter.view import Meter, view
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.system.bounded_call import BoundedCall, StillRunning
from entrypoint.system.files import read_table, read_text, write_json

#: Seconds that the volume may take: one that does not respond must not stop the meter.
_VOLUME_S = 5.0


def boottime() -> float:
    """Seconds of CLOCK_BOOTTIME."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def jupyter_headers(settings: Settings, paths: Paths) -> dict[str, str]:
    """What JupyterLab believes: the door's header, or without a door the token. Call it while still root."""
    if service_named("jupyter").behind_door(settings):
        return {DOOR_HEADER: read_text(paths.door_secret_file) or ""}
    return {"Authorization": f"token {read_text(paths.token_file) or ''}"}


def write_report(paths: Paths, report: Mapping[str, Any]) -> None:
    """Replace the report. Raises OSError: the runtime folder refuses."""
    write_json(f"{paths.reports}/meter.json", dict(report))


def read_meter(paths: Paths) -> Meter | None:
    """What the meter says; None: it does not run."""
    return view(read_table(f"{paths.reports}/meter.json"), boottime(), time.time())


def local_day(now: float) -> tuple[str, float]:
    """The day of a time in seconds since 1970, as 2026-11-26, and the seconds since its midnight."""
    at = time.localtime(now)
    return time.strftime("%Y-%m-%d", at), at.tm_hour * 3600.0 + at.tm_min * 60 + at.tm_sec


class OnVolume:
    """The file on the volume, in the services' user's folder; one for each pod, because pods can share a volume."""

    def __init__(self, paths: Paths, pod: str) -> None:
        self._path = f"{paths.models_state}/meter/{pod}.json"
        self._next: Kept | None = None
        self._reading = BoundedCall(lambda: kept_of(read_table(self._path)))
        self._writing = BoundedCall(self._write)

    def read(self) -> Kept | None:
        """What is kept; None: nothing, or the volume does not respond."""
        try:
            return self._reading.run(_VOLUME_S)
        except StillRunning:
            return None

    def write(self, kept: Kept) -> None:
        """Keep it; a volume that refuses or hangs has a condition of its own."""
        self._next = kept
        try:
            self._writing.run(_VOLUME_S)
        except (StillRunning, OSError):
            return

    def _write(self) -> None:
        if self._next:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            write_json(self._path, self._next.as_table())
