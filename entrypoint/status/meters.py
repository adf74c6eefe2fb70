"""P: processor and memory figures from the kernel's files: version 1 or 2 of cgroups, or no cgroup."""

from __future__ import annotations


def used_seconds(version: int, text: str) -> float | None:
    """Processor seconds from `cpu.stat` (version 2) or `cpuacct.usage` (version 1)."""
    if version == 1:
        return int(text) / 1e9 if text.strip().isdigit() else None
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == "usage_usec":
            return int(value) / 1e6
    return None


def machine_seconds(proc_stat: str, ticks: int) -> float:
    """Processor seconds the machine was not idle, from /proc/stat (proc(5)); `ticks`: clock ticks a second."""
    fields = [int(field) for field in proc_stat.partition("\n")[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / ticks  # without idle and iowait


def memory_of_machine(meminfo: str) -> tuple[int, int]:
    """Used and total bytes of memory, from /proc/meminfo (proc(5))."""
    amounts = dict.fromkeys(("MemTotal", "MemAvailable"), 0)
    for line in meminfo.splitlines():
        name, _, rest = line.partition(":")
        if name in amounts:
            amounts[name] = int(rest.split()[0]) << 10
    return amounts["MemTotal"] - amounts["MemAvailable"], amounts["MemTotal"]


def share(before: float, after: float, seconds: float, cores: float) -> float | None:
    """Percent of `cores` that were busy between two readings; None: no time passed."""
    if seconds <= 0 or cores <= 0:
        return None
    return round(min(100.0, max(0.0, 100 * (after - before) / seconds / cores)), 1)
