"""A: `podkeeper logs [-f] [-n LINES] [NAME ...]`: the end of the pod's logs, and with -f their new lines.

NAME is a program (`podkeeper status` lists them) or `pod`, supervisord's own log; without a name, all logs that the
container's log has. Exit codes: 0, 1 (there is no such log, or it cannot be read), 64 usage.
"""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace

from entrypoint.commands.program import run
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import with_logs
from entrypoint.supervision.log_forwarder import FOLLOWED, Followed
from entrypoint.supervision.log_lines import LineSplitter
from entrypoint.system.files import open_regular

#: Bytes of a log's end in which its last lines are searched; seconds between two reads of -f.
_TAIL, PERIOD = 4 << 20, 0.2


def main(given: Namespace) -> int:
    """Show the logs; returns the exit code."""
    names: list[str] = given.name
    found = files(Paths.from_environ(os.environ).log)
    unknown = [name for name in names if name not in found]
    if unknown:
        print(f"podkeeper: {unknown[0]} has no log here; there are: {', '.join(found)}", file=sys.stderr)
        return 1
    followed, code = [], 0
    for name in names or [name for name in FOLLOWED if name in found]:
        prefix = name if len(names) != 1 else ""
        try:
            shown, position = tail(found[name], given.lines)
        except OSError as error:
            print(f"podkeeper: cannot read {found[name]}: {error.strerror}", file=sys.stderr)
            code = 1
            continue
        _show(shown, prefix)
        followed.append((Followed("", found[name], position), prefix))
    while given.follow and followed:
        for file, prefix in followed:
            _show([line.partition(b"| ")[2] for line in file.new_lines()], prefix)
        time.sleep(PERIOD)
    return code


def files(folder: str) -> dict[str, str]:
    """Log name -> path of every log that exists."""
    found = {program.name: f"{folder}/{program.log_file}" for program in with_logs()}
    return {name: path for name, path in found.items() if os.path.exists(path)}


def tail(path: str, lines: int) -> tuple[list[bytes], list[int]]:
    """The last lines, and [inode, offset] of where they end."""
    with open_regular(path) as file:
        state = os.fstat(file.fileno())
        file.seek(max(0, state.st_size - _TAIL))
        data = file.read(min(_TAIL, state.st_size))
        whole, mark, _ = data.rpartition(b"\n")
        splitter = LineSplitter("")
        shown = [line.partition(b"| ")[2] for line in splitter.feed(whole + mark)]
        return shown[len(shown) - lines :] if lines else [], [
            state.st_ino,
            file.tell() - len(data) + len(whole + mark),
        ]


def _show(lines: list[bytes], prefix: str) -> None:
    start = f"{prefix:<8} | ".encode() if prefix else b""
    sys.stdout.buffer.write(b"".join(start + line for line in lines))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    run("logs", main)
