"""P: what the kernel's files say about processor and memory, version 1 or 2 of cgroups, or no cgroup at all."""

from __future__ import annotations


def used_seconds(version: int, text: str) -> float | None:
    """Processor seconds from `cpu.stat` (2) or `cpuacct.usage` (1)."""
    if version == 1:
        return int(text) / 1e9 if text.strip().isdigit() else None
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == "usage_usec":
            return int(value) / 1e6
    return None


def machine_seconds(proc_stat: str, ticks: int) -> float:
    """Processor seconds the machine was not idle, from /proc/stat (proc(5)); `ticks` a second."""
    fields = [int(field) for field in proc_stat.partition("\n")[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / ticks  # idle and iowait are no work


def cores_allowed(quota: str, period: str) -> float | None:
    """Cores of a CPU limit: `cpu.max` in two words, or `cpu.cfs_quota_us` and `cpu.cfs_period_us`. None: no limit."""
    try:
        allowed, of = int(quota), int(period)
    except ValueError:
        return None  # "max"
    return allowed / of if allowed > 0 and of > 0 else None


def memory_of_machine(meminfo: str) -> tuple[int, int]:
    """Used and total bytes, from /proc/meminfo (proc(5))."""
    amounts = dict.fromkeys(("MemTotal", "MemAvailable"), 0)
    for line in meminfo.splitlines():
        name, _, rest = line.partition(":")
        if name in amounts:
            amounts[name] = int(rest.split()[0]) << 10
    return amounts["MemTotal"] - amounts["MemAvailable"], amounts["MemTotal"]


def share(before: float, after: float, seconds: float, cores: float) -> float | None:
    """Percent of `cores` that were busy between two readings; None: no time went by."""
    if seconds <= 0 or cores <= 0:
        return None
    return round(min(100.0, max(0.0, 100 * (after - before) / seconds / cores)), 1)
