"""A: processor and memory usage, against the container's limits."""

from __future__ import annotations

import os
import time

from entrypoint.status import meters, schema
from entrypoint.system import cgroup
from entrypoint.system.files import read_text


class Machine:
    """A reader of processor and memory figures; the processor's share is measured between two calls."""

    def __init__(self, mount: str = cgroup.MOUNT, membership: str = cgroup.MEMBERSHIP) -> None:
        folders = cgroup.cpu_folders(mount, read_text(membership) or "")
        self._folder = next((folder for folder in folders if _used(folder) is not None), None)
        self._mount, self._membership = mount, membership
        self._memory = cgroup.find(mount, membership)
        self._before: tuple[float, float] | None = None

    def cpu(self) -> schema.Cpu:
        """Processor usage since the last call."""
        cores = self._cores()
        now, used = time.monotonic(), self._cpu_seconds()
        before, self._before = self._before, (now, used)
        busy = meters.share(before[1], used, now - before[0], cores) if before else None
        return schema.Cpu(used_percent=busy, cores=round(cores, 2))

    def memory(self) -> schema.Memory:
        """Memory usage now."""
        used, total = meters.memory_of_machine(read_text("/proc/meminfo") or "")
        if self._memory is None:
            return schema.Memory(used_bytes=used, limit_bytes=total, oom_kills=0)
        limit = min(self._memory.limit() or total, total or 1 << 62)
        kills = self._memory.oom_kills()
        return schema.Memory(used_bytes=self._memory.used(), limit_bytes=limit, oom_kills=kills)

    def _cpu_seconds(self) -> float:
        used = _used(self._folder) if self._folder else None
        if used is not None:
            return used
        return meters.machine_seconds(read_text("/proc/stat") or "cpu 0 0 0 0 0 0 0 0", os.sysconf("SC_CLK_TCK"))

    def _cores(self) -> float:
        usable = float(len(os.sched_getaffinity(0)))
        return min(usable, cgroup.cpu_limit(self._mount, self._membership) or usable)


def _used(cpu: cgroup.Folder) -> float | None:
    name = "cpuacct.usage" if cpu.version == 1 else "cpu.stat"
    return meters.used_seconds(cpu.version, read_text(f"{cpu.folder}/{name}") or "")
