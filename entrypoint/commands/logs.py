"""A: `podkeeper logs [-f] [-n LINES] [NAME ...]`: the end of the pod's logs, and with -f what comes after it.

NAME is a program (`podkeeper status` lists them) or `pod`, supervisord's own log; without one, those that the
container's log shows. Exit codes: 0, 1 (there is no such log), 64 usage.
"""

from __future__ import annotations

import os
import sys
import time

from entrypoint.settings.paths import Paths
from entrypoint.settings.services import with_logs
from entrypoint.supervision.log_forwarder import FOLLOWED, Followed
from entrypoint.supervision.log_lines import LineSplitter

USAGE = "usage: podkeeper logs [-f] [-n LINES] [NAME ...]"
EX_USAGE = 64
#: Lines shown of each log; bytes of its end that they are looked for in; seconds between two looks of -f.
LINES, _TAIL, PERIOD = 100, 4 << 20, 0.2


def main(arguments: list[str]) -> int:
    """Show them; returns the exit code."""
    try:
        follow, lines, names = _parse(arguments)
    except ValueError:
        print(USAGE, file=sys.stderr)
        return EX_USAGE
    folder = Paths.from_environ(os.environ).log
    found = files(folder)
    unknown = [name for name in names if name not in found]
    if unknown:
        print(f"podkeeper: {unknown[0]} has no log here; there are: {', '.join(found)}", file=sys.stderr)
        return 1
    followed = []
    for name in names or [name for name in FOLLOWED if name in found]:
        prefix = name if len(names) != 1 else ""
        shown, position = tail(found[name], lines)
        _show(shown, prefix)
        followed.append((Followed("", found[name], position), prefix))
    while follow:
        for file, prefix in followed:
            _show([line.partition(b"| ")[2] for line in file.new_lines()], prefix)
        time.sleep(PERIOD)
    return 0


def _parse(arguments: list[str]) -> tuple[bool, int, list[str]]:
    """(-f, lines, names); ValueError for anything else."""
    rest, lines = list(arguments), LINES
    if "-n" in rest:
        place = rest.index("-n")
        lines = int("".join(rest[place + 1 : place + 2]))
        del rest[place : place + 2]
    follow = "-f" in rest
    names = [each for each in rest if each != "-f"]
    if lines < 0 or any(each.startswith("-") for each in names):
        raise ValueError
    return follow, lines, names


def files(folder: str) -> dict[str, str]:
    """Log name -> path of every log that exists."""
    found = {program.name: f"{folder}/{program.log_file}" for program in with_logs()}
    return {name: path for name, path in found.items() if os.path.exists(path)}


def tail(path: str, lines: int) -> tuple[list[bytes], list[int]]:
    """The last lines, and [inode, offset] of where they end."""
    with open(path, "rb") as file:
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
    try:
        sys.exit(main(sys.argv[1:]))
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(0)
