"""A: the prober's loop: who is due, and which process supervisord says it is."""

import os
import sys
import time
from collections.abc import Sequence

from entrypoint.supervision import journal
from entrypoint.supervision.prober.targets import Pace, Target
from entrypoint.supervision.prober.watch import Folders, Watch
from entrypoint.system.files import read_json

ALIVE = ("STARTING", "RUNNING")


def run(targets: Sequence[Target], folders: Folders, pace: Pace) -> None:
    """Watch until a signal ends us. One target's failure to be watched must not end the others' watch."""
    watches = [Watch(target, pace, folders) for target in targets]
    programs = Programs(os.path.join(folders.runtime, journal.PROGRAMS))
    while True:
        for watch in watches:
            if watch.due <= time.monotonic():
                try:
                    watch.turn(programs.pid(watch.target.name))
                except OSError as problem:
                    print(f"cannot watch {watch.target.name}: {problem}", file=sys.stderr, flush=True)
        next_turn = min((watch.due for watch in watches), default=time.monotonic() + 3600)
        time.sleep(max(0.05, next_turn - time.monotonic()))


class Programs:
    """What the plugin says runs now; read again only after it changed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._changed = -1
        self._programs: dict[str, dict[str, object]] = {}

    def pid(self, name: str) -> int:
        """The program's process, or 0. A file left by another supervisord does not count."""
        try:
            changed = os.stat(self._path).st_mtime_ns
        except OSError:
            return 0
        if changed != self._changed:
            self._changed = changed
            content = read_json(self._path) or {}
            self._programs = content.get("programs", {}) if content.get("supervisord") == os.getppid() else {}
        facts = self._programs.get(name, {})
        return int(str(facts.get("pid", 0))) if facts.get("state") in ALIVE else 0
