"""A: what the program `nodes` does for the queue: holds this pod's lease, and raises the queue's conditions."""

from __future__ import annotations

import contextlib
import os
import threading

from entrypoint.queue.conditions import NAMES, queue_conditions
from entrypoint.queue.inside.lease import folder_of, hold_for_ever, owner_of
from entrypoint.queue.inside.names import REPORT
from entrypoint.queue.journals import read_report
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import clear_condition, raise_condition


class Watch:
    """The watch. Its thread ends with the process."""

    def __init__(self, settings: Settings, paths: Paths) -> None:
        self._paths = paths
        self._seen = -1
        if settings.queue_restore != "false":
            with contextlib.suppress(OSError):
                holder = (folder_of(paths.models_state), owner_of(paths.runtime, settings.pod_id))
                threading.Thread(target=hold_for_ever, args=holder, daemon=True).start()

    def look(self) -> None:
        """One look; one `stat` where nothing has changed. Raises OSError: the runtime folder refuses."""
        try:
            seen = os.stat(f"{self._paths.reports}/{REPORT}").st_mtime_ns
        except OSError:
            seen = 0
        if seen == self._seen:
            return
        self._seen = seen
        holding = {each.name: each for each in queue_conditions(read_report(self._paths))}
        for name in NAMES:
            if name in holding:
                if raise_condition(self._paths.runtime, holding[name]):
                    print(f"queue: {holding[name]}", flush=True)
            else:
                clear_condition(self._paths.runtime, name)
