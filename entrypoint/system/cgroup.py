"""A: the cgroup of this process, version 1 or 2: its memory, OOM kills, CPU time, and its limits."""

import os
from typing import NamedTuple

from entrypoint.system.files import read_text
from entrypoint.system.thread_limits import Limits, cores_allowed

MOUNT = "/sys/fs/cgroup"
MEMBERSHIP = "/proc/self/cgroup"
#: Version 1 says "no limit" with the largest page-aligned number; no machine has this much memory.
UNLIMITED_FROM = 1 << 60


class Files(NamedTuple):
    """Where one version of the memory controller keeps things, relative to the cgroup's folder."""

    limit: str
    used: str
    oom: str


V2 = Files("memory.max", "memory.current", "memory.events")
V1 = Files("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.oom_control")


class MemoryCgroup(NamedTuple):
    """The cgroup that limits this process, found by `find`."""

    folder: str
    files: Files

    def limit(self) -> int | None:
        """Bytes; None: no limit."""
        limit = _number(self._read(self.files.limit))
        return limit if limit is not None and limit < UNLIMITED_FROM else None

    def used(self) -> int:
        """Bytes that count against the limit, without droppable page cache (as the kubelet counts)."""
        stat = self._read("memory.stat")
        cache = field(stat, "total_inactive_file") or field(stat, "inactive_file")
        return max(0, (_number(self._read(self.files.used)) or 0) - cache)

    def oom_kills(self) -> int:
        """How many processes the kernel has killed for lack of memory."""
        return field(self._read(self.files.oom), "oom_kill")

    def _read(self, name: str) -> str:
        return read_text(f"{self.folder}/{name}") or ""


def find(mount: str = MOUNT, membership: str = MEMBERSHIP) -> MemoryCgroup | None:
    """The cgroup we are in, also where the mount shows our own as the root (as in a container)."""
    found = (MemoryCgroup(*candidate) for candidate in candidates(mount, read_text(membership) or ""))
    return next((group for group in found if read_text(f"{group.folder}/{group.files.oom}")), None)


def candidates(mount: str, membership: str) -> list[tuple[str, Files]]:
    """Folders to look in, best first, for the lines `id:controllers:path` of /proc/self/cgroup (cgroups(7)).

    A hybrid machine has both versions, and then the memory controller is in version 1.
    """
    found: list[tuple[str, Files]] = []
    for number, controllers, tail in _memberships(membership):
        if "memory" in controllers.split(","):
            found += [(f"{mount}/memory{tail}", V1), (f"{mount}/memory", V1)]
        elif number == "0" and not controllers:
            found += [(mount + tail, V2), (mount, V2)]
    return found


class Folder(NamedTuple):
    """A cgroup folder, and the version of its files."""

    folder: str
    version: int


def cpu_folders(mount: str, membership: str) -> list[Folder]:
    """Folders to look in for the CPU time used."""
    return folders("cpuacct", mount, membership)


def folders(controller: str, mount: str, membership: str) -> list[Folder]:
    """Folders to look in for a controller: the full path, then the root, where a container's mount shows it."""
    found: list[Folder] = []
    for number, controllers, tail in _memberships(membership):
        if controller in controllers.split(","):
            names = dict.fromkeys((controllers, controller))  # `cpu,cpuacct` is mounted under that name, or each alone
            found += [Folder(f"{mount}/{name}{end}", 1) for name in names for end in dict.fromkeys((tail, ""))]
        elif number == "0" and not controllers:
            found += [Folder(mount + tail, 2), Folder(mount, 2)]
    return found


def cpu_limit(mount: str = MOUNT, membership: str = MEMBERSHIP) -> float | None:
    """The cores whose time this process may use; None: no limit."""
    for folder, version in folders("cpu", mount, read_text(membership) or ""):
        if version == 2:
            quota, _, period = (read_text(f"{folder}/cpu.max") or "").partition(" ")
        else:
            quota, period = (read_text(f"{folder}/cpu.cfs_{name}_us") or "" for name in ("quota", "period"))
        if quota:
            return cores_allowed(quota, period)
    return None


def limits(mount: str = MOUNT, membership: str = MEMBERSHIP) -> Limits:
    """What bounds the number of threads of a program that is started now."""
    paths = [f"{each.folder}/pids.max" for each in folders("pids", mount, read_text(membership) or "")]
    text = next((found for path in paths if (found := read_text(path))), "")
    return Limits(len(os.sched_getaffinity(0)), cpu_limit(mount, membership), _number(text))


def _memberships(text: str) -> list[tuple[str, str, str]]:
    """(hierarchy, controllers, path) of the lines of /proc/self/cgroup (cgroups(7)); version 2, `0::`, comes last."""
    lines = [line.split(":", 2) for line in sorted(text.splitlines(), reverse=True)]
    return [(number, controllers, "" if path == "/" else path) for number, controllers, path in lines]


def field(text: str, name: str) -> int:
    """The number beside `name` in lines of `name number`; 0 if it isn't there."""
    numbers = dict(line.partition(" ")[::2] for line in reversed(text.splitlines()))
    return _number(numbers.get(name, "")) or 0


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None  # "max" in version 2
