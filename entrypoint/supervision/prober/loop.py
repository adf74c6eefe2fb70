"""A: the prober's loop over the services, with their process ids from programs.json."""

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from entrypoint.supervision import journal
from entrypoint.supervision.prober.targets import ProbeConfig, Target
from entrypoint.supervision.prober.watch import Folders, Watch
from entrypoint.system.files import read_table

ALIVE = ("STARTING", "RUNNING")


def run(targets: Sequence[Target], folders: Folders, config: ProbeConfig) -> None:
    """Probe until a signal ends the process. A probe that raises for one target must not end the others'."""
    watches = [Watch(target, config, folders) for target in targets]
    programs = Programs(os.path.join(folders.runtime, journal.PROGRAMS))
    while True:
        for watch in watches:
            if watch.due <= time.monotonic():
                try:
                    watch.probe(programs.pid(watch.target.name))
                except OSError as problem:
                    print(f"cannot probe {watch.target.name}: {problem}", file=sys.stderr, flush=True)
        next_due = min((watch.due for watch in watches), default=time.monotonic() + 3600)
        time.sleep(max(0.05, next_due - time.monotonic()))


class Programs:
    """The running programs according to programs.json, read again only when the file changed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._changed = -1
        self._programs: Any = {}

    def pid(self, name: str) -> int:
        """Return the program's process id, or 0. A file of another supervisord is ignored."""
        try:
            changed = os.stat(self._path).st_mtime_ns
        except OSError:
            return 0
        if changed != self._changed:
            self._changed = changed
            content = read_table(self._path)
            self._programs = content.get("programs") if content.get("supervisord") == os.getppid() else {}
        facts = self._programs.get(name) if isinstance(self._programs, dict) else None
        pid = facts.get("pid") if isinstance(facts, dict) and facts.get("state") in ALIVE else 0
        return pid if isinstance(pid, int) else 0
