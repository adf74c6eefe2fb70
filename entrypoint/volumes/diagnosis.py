"""P: the conditions that follow from a write probe's result."""

from collections.abc import Iterator
from typing import NamedTuple

from entrypoint.conditions.condition import Condition
from entrypoint.conditions.registry import cleared_by
from entrypoint.system.bounded_process import HUNG
from entrypoint.volumes.former_conditions import ENVIRONMENT, FOLDERS

#: Raised by the passes, not by the write probe.
PASS_REFUSED, TOP_NOT_OPENED = "VolumePassRefused", "VolumeTopNotOpened"

_QUOTA_FROM_BYTES = 64 << 20  # With more free bytes than this, "no space left" comes from a quota.


# Remedies of more than one fault.
_RESTART = "restart the pod; if that does not help, report the volume to the provider"
WAIT_AND_RESTART = f"wait a minute, then {_RESTART}"
_MOUNT_AGAIN = "restart the pod, so that the volume is mounted again"


class ProbeResult(NamedTuple):
    """The result of a write probe. Errors are errno names; "" means success (or not tried)."""

    error: str = ""
    step: str = ""
    uid: int = 0
    dac_override: bool = False  # modes do not apply to it, so a refusal comes from the server
    read_only: bool = False
    noexec: bool = False
    free_bytes: int | None = None
    free_inodes: int | None = None
    modes_kept: bool = True
    owner_kept: bool = True
    chmod_error: str = ""
    chown_error: str = ""
    left_behind: str = ""
    milliseconds: int = 0

    @property
    def ok(self) -> bool:
        return not self.error


# error -> (condition, what it means, remedy)
_MEANINGS = {
    "EROFS": (
        "VolumeReadOnly",
        "is mounted read-only",
        "attach the volume read-write (`docker run -v ...:rw`, or the volume's mount in the pod's template); "
        "changing modes cannot help",
    ),
    "EDQUOT": (
        "VolumeQuota",
        "has used up its quota, although df may show free space",
        "delete files, empty the trash, or buy a larger volume; df does not show the quota",
    ),
    "ESTALE": ("VolumeStale", "was disconnected: its handle is stale", _MOUNT_AGAIN),
    "ENOTCONN": ("VolumeStale", "was disconnected: the program that serves it has ended", _MOUNT_AGAIN),
    HUNG: ("VolumeHung", "does not respond", WAIT_AND_RESTART),
    "ENOENT": ("VolumeMissing", "does not exist", "attach the volume, or correct the folder in the settings"),
    "ENOTDIR": ("VolumeMissing", "is not a folder", "move the file of that name out of the way"),
    "EIO": ("VolumeError", "returns input/output errors", _RESTART),
}

#: A folder of ComfyUI's cannot be made; the program that lays them out clears it.
NOT_LAID_OUT = "DataFolderNotReady"
#: The conditions that a write probe finds, and so clears.
CONDITION_NAMES = cleared_by("volumes") - {PASS_REFUSED, TOP_NOT_OPENED, NOT_LAID_OUT, ENVIRONMENT, FOLDERS}


def conditions(path: str, result: ProbeResult) -> tuple[Condition, ...]:
    """Return the faults of the volume at `path`, the gravest first."""
    found: dict[str, Condition] = {}
    for condition in _faults(path, result):
        found.setdefault(condition.name, condition)
    return tuple(found.values())


def _faults(path: str, result: ProbeResult) -> Iterator[Condition]:
    if result.error:
        yield _why_not_writable(path, result)
    if result.noexec:
        yield Condition(
            "VolumeNoExec",
            f"{path} is mounted noexec: programs and compiled modules on it cannot run",
            "keep virtual environments off the volume, or mount it without noexec",
        )
    if result.chown_error in ("EPERM", "EACCES") or not result.owner_kept:
        yield Condition(
            "VolumeRootSquash",
            f"{path} does not let root give files away ({result.chown_error or 'its files get another owner'})",
            "leave PUID, PGID and RUN_AS unset, or set VOLUME_POLICY=shared",
        )
    if result.chmod_error or not result.modes_kept:
        yield Condition(
            "VolumeModesIgnored",
            f"{path} does not keep file modes ({result.chmod_error or 'chmod succeeds and changes nothing'})",
            "set VOLUME_POLICY=top; who may write is decided by the mount's own options",
        )


def _why_not_writable(path: str, result: ProbeResult) -> Condition:
    if result.error == "ENOSPC":
        return _no_space(path, result)
    if result.error in ("EACCES", "EPERM"):
        return _refused(path, result)
    if result.error in _MEANINGS:
        name, meaning, remedy = _MEANINGS[result.error]
        return Condition(name, f"{path} {meaning}{_where(result)}", remedy)
    return Condition("VolumeError", f"{path} cannot be written{_where(result)}: {result.error}", _RESTART)


def _no_space(path: str, result: ProbeResult) -> Condition:
    if result.free_inodes == 0:
        remedy = "delete small files (caches, old virtual environments) or use a volume with more inodes"
        return Condition("VolumeFull", f"{path} has no inodes left: it contains too many files", remedy)
    if result.free_bytes is not None and result.free_bytes > _QUOTA_FROM_BYTES:
        name, _, remedy = _MEANINGS["EDQUOT"]
        free = f"{result.free_bytes >> 20} MiB"
        return Condition(name, f"{path} reports that it is full with {free} free: a quota is used up", remedy)
    return Condition("VolumeFull", f"{path} is full", "delete files, empty the trash, or use a larger volume")


def _refused(path: str, result: ProbeResult) -> Condition:
    if result.dac_override:
        reason = f"{path} refuses root{_where(result)}: the server maps root to nobody"
        remedy = "set PUID and PGID (or RUN_AS) to the uid and gid that own the volume"
        return Condition("VolumeRootSquash", reason, remedy)
    remedy = "set PUID and PGID to the folder's owner, or start the pod as root with VOLUME_POLICY=owner"
    return Condition("VolumeNotWritable", f"uid {result.uid} may not write to {path}{_where(result)}", remedy)


def _where(result: ProbeResult) -> str:
    return f" (at {result.step})" if result.step else ""
