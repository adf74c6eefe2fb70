"""P: what the canary saw on a volume, told as conditions a user can act on."""

from typing import NamedTuple

from entrypoint.conditions.condition import Condition
from entrypoint.conditions.registry import cleared_by
from entrypoint.system.bounded_process import HUNG

#: Raised by the passes, not by the canary.
PASS_REFUSED, TOP_NOT_OPENED = "VolumePassRefused", "VolumeTopNotOpened"

# Below this, "no space left" is plain truth; above it, something else (a quota) said no.
_ROOM_BYTES = 64 << 20


class Probe(NamedTuple):
    """The canary's answer. Errors are errno names; "" means the step went well (or was not tried)."""

    error: str = ""
    step: str = ""
    uid: int = 0
    dac_override: bool = False  # modes do not hold it back, so a refusal is the server's
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
        "has used up its quota, although df may show room",
        "delete files, empty the trash, or buy a larger volume; df does not show the quota",
    ),
    "ESTALE": (
        "VolumeStale",
        "went away: its handle is stale",
        "restart the pod, so that the volume is mounted again",
    ),
    "ENOTCONN": (
        "VolumeStale",
        "went away: the program that serves it has ended",
        "restart the pod, so that the volume is mounted again",
    ),
    HUNG: (
        "VolumeHung",
        "does not answer",
        "wait a minute, then restart the pod; if it stays so, report the volume to the provider",
    ),
    "ENOENT": ("VolumeMissing", "is not there", "attach the volume, or correct the folder in the settings"),
    "ENOTDIR": ("VolumeMissing", "is not a folder", "move the file of that name out of the way"),
    "EIO": (
        "VolumeError",
        "answers with input/output errors",
        "restart the pod; if it stays so, report the volume to the provider",
    ),
}

#: The conditions that a write probe finds, and so clears.
CONDITION_NAMES = cleared_by("volumes") - {PASS_REFUSED, TOP_NOT_OPENED}


def conditions(path: str, probe: Probe) -> tuple[Condition, ...]:
    """Everything wrong with the volume at `path`, the gravest first; empty when all is well."""
    found = [_why_not_writable(path, probe)] if probe.error else []
    if probe.noexec:
        found.append(
            Condition(
                "VolumeNoExec",
                f"{path} is mounted noexec: programs and compiled modules on it cannot run",
                "keep virtual environments off the volume, or mount it without noexec",
            )
        )
    if _root_is_squashed(probe):
        found.append(
            Condition(
                "VolumeRootSquash",
                f"{path} does not let root give files away ({probe.chown_error or 'its files get another owner'})",
                "leave PUID, PGID and RUN_AS unset, or set VOLUME_POLICY=shared",
            )
        )
    if probe.chmod_error or not probe.modes_kept:
        found.append(
            Condition(
                "VolumeModesIgnored",
                f"{path} does not keep file modes ({probe.chmod_error or 'chmod succeeds and changes nothing'})",
                "set VOLUME_POLICY=top; who may write is decided by the mount's own options",
            )
        )
    return tuple(_once(found))


def _why_not_writable(path: str, probe: Probe) -> Condition:
    if probe.error == "ENOSPC":
        return _no_space(path, probe)
    if probe.error in ("EACCES", "EPERM"):
        return _refused(path, probe)
    if probe.error in _MEANINGS:
        name, meaning, remedy = _MEANINGS[probe.error]
        return Condition(name, f"{path} {meaning}{_where(probe)}", remedy)
    return Condition("VolumeError", f"{path} cannot be written{_where(probe)}: {probe.error}", _MEANINGS["EIO"][2])


def _no_space(path: str, probe: Probe) -> Condition:
    if probe.free_inodes == 0:
        return Condition(
            "VolumeFull",
            f"{path} has no inodes left: it holds too many files",
            "delete small files (caches, old virtual environments) or use a volume with more inodes",
        )
    if probe.free_bytes is not None and probe.free_bytes > _ROOM_BYTES:
        name, _, remedy = _MEANINGS["EDQUOT"]
        return Condition(name, f"{path} says it is full with {probe.free_bytes >> 20} MiB free: a quota", remedy)
    return Condition("VolumeFull", f"{path} is full", "delete files, empty the trash, or use a larger volume")


def _refused(path: str, probe: Probe) -> Condition:
    if probe.dac_override:
        return Condition(
            "VolumeRootSquash",
            f"{path} refuses root{_where(probe)}: the server maps root to nobody",
            "set PUID and PGID (or RUN_AS) to the uid and gid that own the volume",
        )
    return Condition(
        "VolumeNotWritable",
        f"uid {probe.uid} may not write to {path}{_where(probe)}",
        "set PUID and PGID to the folder's owner, or start the pod as root with VOLUME_POLICY=owner",
    )


def _root_is_squashed(probe: Probe) -> bool:
    return probe.chown_error in ("EPERM", "EACCES") or not probe.owner_kept


def _where(probe: Probe) -> str:
    return f" (at {probe.step})" if probe.step else ""


def _once(found: list[Condition]) -> list[Condition]:
    names: set[str] = set()
    return [c for c in found if not (c.name in names or names.add(c.name))]  # type: ignore[func-returns-value]
