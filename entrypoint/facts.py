"""A: look at the machine once, for the decisions in `paths` and `plan`."""

from __future__ import annotations

import os
import sys

from entrypoint.paths import VOLUMES, Facts
from entrypoint.volumes.prepare import volume_answers


def look() -> Facts:
    """The facts as they are now. A volume that does not answer is as good as none: to touch it would hang us."""
    mounts = set(mount_points())
    silent = [volume for volume in VOLUMES if volume in mounts and not volume_answers(volume)]
    return Facts(
        mounts=frozenset(mounts.difference(silent)),
        silent=tuple(silent),
        uid=os.geteuid(),
        temporary=os.environ.get("TMPDIR", "/tmp").rstrip("/") or "/tmp",  # noqa: S108 - a fallback for local mode
        python=sys.executable,
        root_writable=os.access("/", os.W_OK),
    )


def mount_points() -> list[str]:
    """Every mount point of this mount namespace, from /proc/self/mountinfo (proc(5)); empty where there is none."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            return [_unescape(line.split(" ")[4]) for line in file]
    except FileNotFoundError:
        return []


def _unescape(text: str) -> str:
    for octal, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(octal, character)
    return text
