"""A: the log forwarder: every log file's new lines on the container's stdout (`[program:logs]`).

Files first, stdout second: the files are complete whatever becomes of the reader, and a reader that stalls
holds this process and nothing else (supervisor issues 131 and 1171: with stdout_logfile=/dev/stdout it would
hold supervisord).
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys

from entrypoint.settings.paths import Paths
from entrypoint.settings.services import with_logs
from entrypoint.supervision.log_lines import LineSplitter, batches
from entrypoint.system.console import open_container_stdout
from entrypoint.system.files import read_text

#: Prefix on stdout -> file in the log folder.
FOLLOWED = {program.name: program.log_file for program in with_logs() if program.forwarded}
#: Seconds between two looks at the files: right after a line, and after a long silence (for an idle pod's CPU).
PERIOD, LONGEST_PERIOD = 0.25, 1.5
#: Seconds a stalled reader may hold us at the end.
LAST_WORDS = 1.0


class Followed:
    """One log file, followed over rotations (supervisord renames it and begins a new one)."""

    def __init__(self, prefix: str, path: str, position: list[int] | None) -> None:
        self._path = path
        self._lines = LineSplitter(prefix)
        self._descriptor = -1
        self._inode, self._offset = position or (0, 0)

    def new_lines(self) -> list[bytes]:
        """Lines written since the last call, at most about a megabyte of them."""
        if self._descriptor < 0 and not self._open():
            return []
        chunk = os.read(self._descriptor, 1 << 20)
        self._offset += len(chunk)
        lines = self._lines.feed(chunk)
        if not chunk and self._replaced():
            os.close(self._descriptor)
            self._descriptor, self._offset = -1, 0
            lines += self._lines.flush()
        return lines

    def last_lines(self) -> list[bytes]:
        """What is left at the end."""
        return self.new_lines() + self._lines.flush()

    @property
    def position(self) -> list[int]:
        """[inode, offset] to go on from after a restart."""
        return [self._inode, self._offset]

    def _open(self) -> bool:
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        found = os.fstat(self._descriptor)
        if found.st_ino != self._inode or found.st_size < self._offset:
            self._inode, self._offset = found.st_ino, 0
        os.lseek(self._descriptor, self._offset, os.SEEK_SET)
        return True

    def _replaced(self) -> bool:
        try:
            now = os.stat(self._path)
        except FileNotFoundError:
            return False
        return now.st_ino != self._inode or now.st_size < self._offset


def _positions_file(paths: Paths) -> str:
    return os.path.join(paths.runtime, "log_positions.json")


def mark_log_starts(paths: Paths) -> None:
    """At boot: what the files hold already is of an earlier start and is not forwarded again."""
    positions = {}
    for name in FOLLOWED.values():
        try:
            found = os.stat(os.path.join(paths.log, name))
        except FileNotFoundError:
            continue
        positions[name] = [found.st_ino, found.st_size]
    _save(paths, positions)


def _save(paths: Paths, positions: dict[str, list[int]]) -> None:
    # Not synced: a hint for the next forwarder, worthless after a power cut.
    path = _positions_file(paths)
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(positions, file)
    os.rename(path + ".tmp", path)


def _write(console: int, lines: list[bytes]) -> None:
    for batch in batches(lines):
        try:
            os.write(console, batch)
        except OSError:
            return  # the reader has gone away; the files have it all


def main() -> int:
    """Forward until SIGTERM, then what is left."""
    paths = Paths.from_environ(os.environ)
    positions = json.loads(read_text(_positions_file(paths)) or "{}")
    files = {
        name: Followed(prefix, os.path.join(paths.log, name), positions.get(name)) for prefix, name in FOLLOWED.items()
    }
    console = open_container_stdout()
    ending: list[int] = []

    def on_term(number: int, _frame: object) -> None:
        ending.append(number)
        signal.setitimer(signal.ITIMER_REAL, LAST_WORDS)  # SIGALRM ends us if the reader stalls

    signal.signal(signal.SIGTERM, on_term)
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)  # a plain sleep would be resumed after the handler (PEP 475)
    period = PERIOD
    while not ending:
        lines = [line for file in files.values() for line in file.new_lines()]
        if lines:
            _write(console, lines)
            _save(paths, {name: file.position for name, file in files.items()})
            period = PERIOD
        else:
            select.select([woken], [], [], period)
            period = min(period * 1.2, LONGEST_PERIOD)
    while lines := [line for file in files.values() for line in file.last_lines()]:
        _write(console, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
