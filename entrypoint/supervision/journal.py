"""A: the plugin's public state: `restarts.json` and `programs.json` in the runtime folder.

restarts.json  {"restarts": [{"time", "program", "number", "kind", "reason", "uptime", "delay"}, ...]}, oldest
               first; `time` in seconds of the epoch, `uptime` and `delay` in seconds, `delay` null: gave up.
programs.json  {"supervisord": pid, "programs": {name: {"state", "pid", "started", "restarts", "next_start",
               "reason"}}}; `started` and `next_start` in seconds of the epoch or null.
Each file is replaced atomically, so a reader never sees half of it.
"""

import os
import time
from collections.abc import Callable
from typing import Any

from entrypoint.supervision.exits import Reason

RESTARTS = "restarts.json"
PROGRAMS = "programs.json"


class Journal:
    """The writer of both files. A failed write is logged once and never stops supervision."""

    def __init__(self, runtime: str, keep: int, warn: Callable[[str], None]) -> None:
        self._runtime, self._keep, self._warn = runtime, keep, warn
        self._last_warning = ""
        self._entries: list[dict[str, Any]] | None = None

    def add_restart(self, program: str, number: int, reason: Reason, uptime: float, delay: float | None) -> None:
        """Append one restart to restarts.json, which also holds the restarts of earlier boots."""
        if not self._runtime:
            return
        if self._entries is None:
            self._entries = self._earlier_entries()
        entry = {
            "time": round(time.time(), 3),
            "program": program,
            "number": number,
            "kind": reason.kind,
            "reason": reason.text,
            "uptime": round(uptime, 3),
            "delay": None if delay is None else round(delay, 3),
        }
        self._entries.append(entry)
        del self._entries[: -self._keep]
        self._write(RESTARTS, {"restarts": self._entries})

    def write_programs(self, programs: dict[str, dict[str, Any]]) -> None:
        """Replace programs.json."""
        if self._runtime:
            self._write(PROGRAMS, {"supervisord": os.getpid(), "programs": programs})

    def _earlier_entries(self) -> list[dict[str, Any]]:
        from entrypoint.system.files import read_json

        content = read_json(os.path.join(self._runtime, RESTARTS))
        entries = content.get("restarts") if isinstance(content, dict) else None
        return entries if isinstance(entries, list) else []

    def _write(self, name: str, content: object) -> None:
        from entrypoint.system.files import write_json

        try:
            write_json(os.path.join(self._runtime, name), content)
        except OSError as problem:
            if str(problem) != self._last_warning:
                self._last_warning = str(problem)
                self._warn(f"cannot write {name} for the status page: {problem}")
