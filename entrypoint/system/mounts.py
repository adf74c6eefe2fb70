"""A: the mount table of this mount namespace (/proc/self/mountinfo), and whether a mounted folder responds."""

from __future__ import annotations

import os

from entrypoint.system.bounded_process import HUNG, run_bounded

MOUNTINFO = "/proc/self/mountinfo"
_RESPONSE_TIMEOUT_S = 5.0


def mount_points(table: str = MOUNTINFO) -> list[str] | None:
    """Every mount point, from the table that proc_pid_mountinfo(5) describes; None where it cannot be read."""
    found = mounts(table)
    return None if found is None else [point for point, _ in found]


def mounts(table: str = MOUNTINFO) -> list[tuple[str, str]] | None:
    """Every mount point with its type of file system, from the same table."""
    try:
        with open(table, encoding="utf-8", errors="surrogateescape") as lines:
            return [_point_and_type(line) for line in lines]
    except (OSError, IndexError):
        return None


def _point_and_type(line: str) -> tuple[str, str]:
    fields, _, rest = line.partition(" - ")
    return _unescape(fields.split(" ", 5)[4]), rest.split(" ", 1)[0]


def has_mounts_below(path: str, table: str = MOUNTINFO) -> bool:
    """Whether anything, even a single file, is mounted below `path`. True where the table cannot be read."""
    found = mount_points(table)
    below = os.path.realpath(path).rstrip("/") + "/"
    return found is None or any(point.startswith(below) for point in found)


def responds(path: str, timeout_s: float = _RESPONSE_TIMEOUT_S) -> bool:
    """Whether a stat of the folder `path` returns within `timeout_s` seconds; an error is a response too.

    Runs in a child process (1-2 ms): a system call on a dead network mount would block this one for ever.
    """
    return run_bounded(lambda: {"seen": os.stat(path).st_ino}, timeout_s).get("error") != HUNG


def _unescape(text: str) -> str:
    """The kernel writes space, tab, newline and backslash as a backslash and three octal digits."""
    for octal, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(octal, character)
    return text
