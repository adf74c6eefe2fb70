"""P: the findings about the host besides its GPU: how fast the models' disk and the network are. They judge nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from entrypoint.gpu.findings import Finding
from entrypoint.system.bounded_process import HUNG

#: Seconds for which a measurement of the disk is used again: it writes up to 64 MiB to the volume.
FRESH_S = 600.0
_REASONS = {
    "ENOSPC": "less than 1 GiB is free",
    "EROFS": "it is read-only",
    "EACCES": "the services' user may not write to it",
    HUNG: "it did not end within 30 s",
}


def is_fresh(disk: Mapping[str, Any], now: float) -> bool:
    """Whether a measurement is used again; `now`: seconds since 1970."""
    at = disk.get("at")
    return isinstance(at, int | float) and 0 <= now - at < FRESH_S


def disk_finding(disk: Mapping[str, Any], data: str) -> Finding:
    """The finding of `system.disk_speed.measure` for the data folder `data`."""
    folder = str(disk.get("folder") or data)
    write, read, mapped = (_megabytes(disk.get(name)) for name in ("write", "read", "mapped"))
    if not write or not read:
        error = str(disk.get("error", ""))
        return Finding("disk", "skipped", f"{folder} was not measured: {_REASONS.get(error, error or 'no figures')}")
    through = f", {mapped} through mmap" if mapped else ", and its files cannot be mapped"
    return Finding("disk", "ok", f"{folder} writes {write}, reads {read}{through}")


def network_finding(models: Mapping[str, Any]) -> list[Finding]:
    """The finding of `models.json`: the fastest that the downloads were, or [] where there were none."""
    fastest = _megabytes(models.get("fastest_bytes_per_second"))
    return [Finding("network", "ok", f"models were downloaded at up to {fastest}")] if fastest else []


def _megabytes(speed: Any) -> str:
    if not isinstance(speed, int | float) or isinstance(speed, bool) or not 0 < speed < 1e15:
        return ""
    return f"{speed / 1e6:.0f} MB/s" if speed >= 1e7 else f"{speed / 1e6:.1f} MB/s"
