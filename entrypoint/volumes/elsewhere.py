"""A: a volume that is mounted where the pod does not look for one."""

from __future__ import annotations

import os
import re
from functools import partial

from entrypoint.conditions.condition import Condition
from entrypoint.settings.paths import VOLUMES, Paths
from entrypoint.system.bounded_process import Plain, run_bounded
from entrypoint.system.mounts import mounts

NAME = "VolumeElsewhere"
#: Where people mount disks: a folder at the top, or below /mnt and /media; not what systems mount for themselves.
_PLACES = re.compile(r"/(?:(?:mnt|media)/[^/]{1,255}|[^/]{1,255})")
_SYSTEM = frozenset((
    "/bin", "/boot", "/comfyui", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/media", "/mnt", "/opt",
    "/proc", "/root", "/run", "/sbin", "/srv", "/start.sh", "/sys", "/tmp", "/usr", "/var",  # noqa: S108 # names
))  # fmt: skip
#: Types of file systems that keep nothing, however large.
_KEEP_NOTHING = frozenset(("tmpfs", "ramfs", "overlay"))
#: Bytes of a disk for models: mounted settings are smaller.
_LEAST = 5_000_000_000
_TIMEOUT_S = 5.0


def other_volumes(paths: Paths, table: list[tuple[str, str]] | None = None) -> list[str]:
    """The mount points that look like a volume, where the pod has none of its own."""
    if paths.volume or paths.data != paths.stored or paths.data != "/comfyui":
        return []
    found = dict((mounts() if table is None else table) or ())  # of two mounts at one point the last is seen
    kept = {point for point, kind in found.items() if kind not in _KEEP_NOTHING and _PLACES.fullmatch(point)}
    likely = sorted(kept - _SYSTEM - set(VOLUMES))
    return [point for point in likely if run_bounded(partial(_facts, point), _TIMEOUT_S).get("is")]


def _facts(path: str) -> Plain:
    return {"is": _is_disk(path)}


def _is_disk(path: str) -> bool:
    size = os.statvfs(path)
    return os.path.isdir(path) and size.f_blocks * size.f_frsize >= _LEAST and os.access(path, os.W_OK)


def condition_of(found: list[str]) -> Condition:
    """The note about such volumes."""
    places = ", ".join(found)
    reason = f"{places} is mounted, but the pod keeps everything in the container: it uses {' or '.join(VOLUMES)} alone"
    return Condition(NAME, reason, f"mount it at {VOLUMES[0]} (docker run -v NAME:{VOLUMES[0]})")
