"""A: how full the file systems are; a network volume that does not respond cannot block the caller."""

from __future__ import annotations

import os
from functools import partial
from typing import NamedTuple

from entrypoint.settings.paths import Paths
from entrypoint.status.schema import Disk
from entrypoint.system.bounded_call import BoundedCall, StillRunning


class DiskSpace(NamedTuple):
    """The space of one file system in bytes, and its device number (st_dev)."""

    device: int
    size: int
    used: int
    free: int


class Disks:
    """The volume (or, without one, the data folder's disk) and, where it is another one, the container's own."""

    def __init__(self, paths: Paths) -> None:
        folders = [("volume" if paths.volume else "data", paths.stored), ("system", paths.log)]
        self._calls = [(name, path, BoundedCall(partial(disk_space, path))) for name, path in folders]

    def read(self, timeout: float) -> tuple[Disk, ...]:
        """Each file system's space, or the problem with it after at most `timeout` seconds."""
        found: list[Disk] = []
        devices: set[int] = set()
        for name, path, call in self._calls:
            try:
                space, problem = call.run(timeout), ""
            except StillRunning as still_running:
                space, problem = DiskSpace(0, 0, 0, 0), str(still_running)
            except OSError as error:
                space, problem = DiskSpace(0, 0, 0, 0), error.strerror or str(error)
            if problem or space.device not in devices:
                devices.add(space.device)
                sizes = {"size_bytes": space.size, "used_bytes": space.used, "free_bytes": space.free}
                found.append(Disk(name=name, path=path, problem=problem, **sizes))
        return tuple(found)


def disk_space(path: str) -> DiskSpace:
    """The space of the file system `path` is on, as df(1) shows it: `free` is what users other than root may use."""
    found = os.statvfs(path)
    unit, size = found.f_frsize, found.f_blocks * found.f_frsize
    return DiskSpace(os.stat(path).st_dev, size, size - found.f_bfree * unit, found.f_bavail * unit)
