"""P: /proc/PID/stat -> which terminals run a job in the foreground, and how much processor time was used.

proc_pid_stat(5). A shell is the leader of its session; while it waits for a job, the foreground process group of its
terminal (`tpgid`, tcgetpgrp(3)) is the job's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

#: Clients of a terminal multiplexer wait; what they show runs in terminals of its own, which are looked at, too.
_CLIENTS = ("tmux: client", "screen")
#: Programs whose whole life is work.
_TRANSFERS = frozenset({
    "aria2c", "wget", "curl", "rsync", "rclone", "scp", "git", "git-remote-http", "git-remote-https", "pip", "pip3",
    "uv", "apt-get", "apt", "dpkg", "conda", "mamba", "npm", "unzip", "tar", "cp", "mv", "ffmpeg",
})  # fmt: skip


class Process(NamedTuple):
    """One process; `ticks`: its processor time and that of its ended children, in clock ticks."""

    pid: int
    name: str
    state: str
    parent: int
    group: int
    session: int
    terminal: int
    foreground: int
    ticks: int


def parse(stat: bytes) -> Process | None:
    """The line of /proc/PID/stat; None where it is cut. The name may hold spaces and parentheses."""
    head, _, rest = stat.rpartition(b")")
    pid, _, name = head.partition(b" (")
    fields = rest.split()
    try:
        numbers = [int(each) for each in fields[1:15]]
        return Process(
            int(pid), name.decode(errors="replace"), fields[0].decode(), numbers[0], numbers[1], numbers[2],
            numbers[3], numbers[4], sum(numbers[10:14]),
        )  # fmt: skip
    except (ValueError, IndexError):
        return None


def jobs(processes: Collection[Process]) -> list[str]:
    """The names of the jobs that run in the foreground of a terminal."""
    leaders = [each for each in processes if each.pid == each.session and each.terminal]
    groups = {leader.foreground for leader in leaders if leader.foreground > 0 and leader.foreground != leader.group}
    found = [each for each in processes if each.group in groups and each.state not in "ZX"]
    busy = {each.group for each in found if each.name not in _CLIENTS}
    return list(dict.fromkeys(each.name for each in found if each.group in busy))


def transfers(processes: Iterable[Process]) -> list[str]:
    """The names of programs that download, upload or install, wherever they run."""
    return list(dict.fromkeys(each.name for each in processes if each.name in _TRANSFERS and each.state not in "ZX"))


def descendants(processes: Iterable[Process], top: int) -> list[Process]:
    """The processes below `top`."""
    children: dict[int, list[Process]] = {}
    for each in processes:
        children.setdefault(each.parent, []).append(each)
    found, left = [], [top]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += [each.pid for each in below]
    return found


def ticks_between(before: dict[int, int], processes: Collection[Process]) -> int:
    """Clock ticks used since `before`, which has the ticks of each process then."""
    return sum(max(0, each.ticks - before.get(each.pid, 0)) for each in processes)
