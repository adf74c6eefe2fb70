"""A: how full the file systems are. A network volume that does not answer must not hold who asks."""

from __future__ import annotations

import os
import threading
import time

from entrypoint.paths import Paths
from entrypoint.status.shape import Disk


class Disks:
    """The volume (or, without one, the data folder's disk) and, where it is another one, the container's own."""

    def __init__(self, paths: Paths) -> None:
        self._places = [("volume" if paths.volume else "data", paths.stored), ("system", paths.log)]
        self._looks: dict[str, _Look] = {}

    def look(self, patience: float) -> tuple[Disk, ...]:
        """What is known after at most `patience` seconds for each."""
        found: list[Disk] = []
        devices: set[int] = set()
        for name, path in self._places:
            look = self._looks.get(name)
            if look is None or look.over:
                look = self._looks[name] = _Look(path)
            look.thread.join(patience)
            if look.device not in devices:
                found.append(look.disk(name))
                devices |= {look.device} if look.device else set()
        return tuple(found)


class _Look:
    """One statvfs(2) in a thread of its own, which a dead volume may keep for ever."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.device = 0
        self._began = time.monotonic()
        self._result: os.statvfs_result | None = None
        self._problem = ""
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @property
    def over(self) -> bool:
        return not self.thread.is_alive()

    def disk(self, name: str) -> Disk:
        size = used = free = 0
        problem = self._problem
        if self._result is not None:
            unit = self._result.f_frsize
            size, free = self._result.f_blocks * unit, self._result.f_bavail * unit
            used = size - self._result.f_bfree * unit
        elif not problem:
            problem = f"has not answered for {time.monotonic() - self._began:.0f} s"
        return Disk(
            name=name, path=self.path, size_bytes=size, used_bytes=used, free_bytes=free, problem=problem
        )

    def _run(self) -> None:
        try:
            result, device = os.statvfs(self.path), os.stat(self.path).st_dev
        except OSError as error:
            self._problem = error.strerror or str(error)
        else:
            self._result, self.device = result, device
