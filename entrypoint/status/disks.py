"""A: how full the file systems are. A network volume that does not answer must not hold who asks."""

from __future__ import annotations

import os
from functools import partial
from typing import NamedTuple

from entrypoint.settings.paths import Paths
from entrypoint.status.schema import Disk
from entrypoint.system.bounded_call import Asker, Silent


class Room(NamedTuple):
    """Of one file system: which it is (st_dev), and bytes."""

    device: int
    size: int
    used: int
    free: int


class Disks:
    """The volume (or, without one, the data folder's disk) and, where it is another one, the container's own."""

    def __init__(self, paths: Paths) -> None:
        places = [("volume" if paths.volume else "data", paths.stored), ("system", paths.log)]
        self._askers = [(name, path, Asker(partial(room, path))) for name, path in places]

    def look(self, patience: float) -> tuple[Disk, ...]:
        """What is known after at most `patience` seconds for each."""
        found: list[Disk] = []
        devices: set[int] = set()
        for name, path, asker in self._askers:
            try:
                seen, problem = asker.ask(patience), ""
            except Silent as silent:
                seen, problem = Room(0, 0, 0, 0), str(silent)
            except OSError as error:
                seen, problem = Room(0, 0, 0, 0), error.strerror or str(error)
            if problem or seen.device not in devices:
                devices.add(seen.device)
                found.append(
                    Disk(
                        name=name, path=path, size_bytes=seen.size, used_bytes=seen.used, free_bytes=seen.free,
                        problem=problem,
                    )
                )  # fmt: skip
        return tuple(found)


def room(path: str) -> Room:
    """As df(1) shows it: free is what is left for users who are not root."""
    found = os.statvfs(path)
    unit, size = found.f_frsize, found.f_blocks * found.f_frsize
    return Room(os.stat(path).st_dev, size, size - found.f_bfree * unit, found.f_bavail * unit)
