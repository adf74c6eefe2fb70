"""A: the log forwarder (`[program:logs]`): copies every log file's new lines to the container's stdout.

Programs write to files, so the files are complete whatever happens to stdout's reader. A stalled reader blocks this
process alone (supervisor issues 131 and 1171: with stdout_logfile=/dev/stdout it would block supervisord).
"""

import contextlib
import os
import select
import signal
import sys

from entrypoint.settings.paths import Paths
from entrypoint.settings.services import with_logs
from entrypoint.settings.settings import Settings
from entrypoint.supervision.log_lines import LineSplitter, batches
from entrypoint.system.console import open_container_stdout
from entrypoint.system.files import open_regular, read_table, write_json
from entrypoint.system.privileges import become_service_user

#: Prefix on stdout -> file in the log folder.
FOLLOWED = {program.name: program.log_file for program in with_logs() if program.forwarded}
#: Seconds between two polls of the files: right after a line, and after a long silence (for an idle pod's CPU).
PERIOD, LONGEST_PERIOD = 0.25, 1.5
FLUSH_TIMEOUT = 1.0  # Seconds that the last lines may take at a stop: a stalled reader must not block it.


class Followed:
    """One log file, followed across rotations (supervisord renames the file and creates a new one)."""

    def __init__(self, prefix: str, path: str, position: object) -> None:
        self._path = path
        self._lines = LineSplitter(prefix)
        self._descriptor = -1
        self._inode = self._offset = 0
        if isinstance(position, list) and [type(each) for each in position] == [int, int]:
            self._inode, self._offset = position

    def new_lines(self) -> list[bytes]:
        """Return the lines written since the last call, at most about a megabyte of them."""
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
        """Return the remaining lines, an unfinished one included."""
        return self.new_lines() + self._lines.flush()

    @property
    def position(self) -> list[int]:
        """[inode, offset] to resume from after a restart."""
        return [self._inode, self._offset]

    def _open(self) -> bool:
        try:
            with open_regular(self._path) as file:
                self._descriptor = os.dup(file.fileno())
        except OSError:
            return False  # there is none yet, or a link or FIFO in its place
        found = os.fstat(self._descriptor)
        if found.st_ino != self._inode or found.st_size < self._offset:
            self._inode, self._offset = found.st_ino, 0
        os.lseek(self._descriptor, self._offset, os.SEEK_SET)
        return True

    def _replaced(self) -> bool:
        try:
            now = os.lstat(self._path)
        except OSError:
            return False
        return now.st_ino != self._inode or now.st_size < self._offset


def _positions_file(paths: Paths) -> str:
    return os.path.join(paths.reports, "log_positions.json")


def mark_log_starts(paths: Paths) -> None:
    """Record the files' sizes at boot: their content is from an earlier start and is not forwarded again."""
    positions = {}
    for name in FOLLOWED.values():
        with contextlib.suppress(OSError):
            found = os.lstat(os.path.join(paths.log, name))
            positions[name] = [found.st_ino, found.st_size]
    os.makedirs(paths.reports, exist_ok=True)
    write_json(_positions_file(paths), positions)  # not synced: a hint for the next forwarder


def _write(console: int, lines: list[bytes]) -> None:
    for batch in batches(lines):
        try:
            os.write(console, batch)
        except OSError:
            return  # the reader is gone; the files are complete


def main() -> int:
    """Forward until SIGTERM, then forward the remaining lines."""
    paths = Paths.from_environ(os.environ)
    console = open_container_stdout()  # supervisord's own, which the services' user may not open
    become_service_user(Settings.from_environ(os.environ))
    positions = read_table(_positions_file(paths))
    files = {
        name: Followed(prefix, os.path.join(paths.log, name), positions.get(name)) for prefix, name in FOLLOWED.items()
    }
    stop_signals: list[int] = []

    def on_term(number: int, _frame: object) -> None:
        stop_signals.append(number)
        signal.setitimer(signal.ITIMER_REAL, FLUSH_TIMEOUT)  # SIGALRM ends this process if the reader stalls

    signal.signal(signal.SIGTERM, on_term)
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)  # a plain sleep would be resumed after the handler (PEP 475)
    period = PERIOD
    while not stop_signals:
        lines = [line for file in files.values() for line in file.new_lines()]
        if lines:
            _write(console, lines)
            write_json(_positions_file(paths), {name: file.position for name, file in files.items()})
            period = PERIOD
        else:
            select.select([woken], [], [], period)
            period = min(period * 1.2, LONGEST_PERIOD)
    while lines := [line for file in files.values() for line in file.last_lines()]:
        _write(console, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
