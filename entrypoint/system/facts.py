"""A: collects the facts about the machine, once, for the decisions in `settings.paths` and `boot.plan`."""

from __future__ import annotations

import os
import sys

from entrypoint.settings.paths import VOLUMES, Facts
from entrypoint.system.mounts import mount_points, responds


def look() -> Facts:
    """Collect the facts. A volume that does not respond counts as absent: a system call on it would block the start."""
    mounts = set(mount_points() or ())
    silent = [volume for volume in VOLUMES if volume in mounts and not responds(volume)]
    return Facts(
        mounts=frozenset(mounts.difference(silent)),
        silent=tuple(silent),
        uid=os.geteuid(),
        temporary=os.environ.get("TMPDIR", "/tmp").rstrip("/") or "/tmp",  # noqa: S108 - a fallback for local mode
        python=sys.executable,
        home_closed=os.geteuid() != 0 and _is_closed(os.environ.get("HOME", "")),
        root_writable=os.access("/", os.W_OK),
    )


def _is_closed(folder: str) -> bool:
    """Whether this process's user can neither write to the folder nor make it."""
    while folder.startswith("/") and not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    return folder.startswith("/") and not os.access(folder, os.W_OK | os.X_OK)
