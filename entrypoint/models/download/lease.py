"""A: one fetcher per file, also with several pods on one volume: a lease, kept alive by its mtime.

Network file systems do not agree on flock; O_EXCL and rename work everywhere. A holder that is gone from this
very machine is seen at once; one of another machine, by a lease that has not been touched for a while, both
times read from the volume's own clock.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets

from entrypoint.models.transport.response_rules import Failed
from entrypoint.system.files import read_text


class LeaseLost(Failed):
    """Another pod holds the file now (this one was suspended for too long)."""

    def __init__(self) -> None:
        reason = "another pod has taken over this file"
        super().__init__("LeaseLost", reason, "nothing to do: the other pod finishes it", temporary=True)


class Lease:
    """A lease that is held. Made by `take`."""

    def __init__(self, path: str, who: str) -> None:
        self._path = path
        self.who = who

    def beat(self) -> None:
        """A sign of life.

        Raises:
            LeaseLost: It is somebody else's.
        """
        if _holder(self._path).get("who") != self.who:
            raise LeaseLost
        with contextlib.suppress(OSError):
            os.utime(self._path)

    def release(self) -> None:
        if _holder(self._path).get("who") == self.who:
            with contextlib.suppress(OSError):
                os.unlink(self._path)


def take(folder: str, timeout: float) -> Lease | None:
    """Take the lease in `folder` (made where missing); None: somebody else is at work.

    Args:
        folder: The staging folder of one file.
        timeout: Seconds without a sign of life after which a foreign lease counts for nothing.
    """
    path, who = os.path.join(folder, "lease"), secrets.token_hex(8)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for _ in range(2):
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            if not _set_aside_if_stale(path, who, timeout):
                return None
            continue
        with os.fdopen(descriptor, "w") as file:
            json.dump({"who": who, "machine": machine(), "pid": os.getpid(), "started": _started("self")}, file)
        return Lease(path, who)
    return None


def machine() -> str:
    """This boot of this machine, and this container on it: where a pid means something."""
    boot = (read_text("/proc/sys/kernel/random/boot_id") or "").strip()
    with contextlib.suppress(OSError):
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    return f"{boot} ?"


def _set_aside_if_stale(path: str, who: str, timeout: float) -> bool:
    seen = read_text(path)
    if seen is None:
        return True  # just released
    if not _gone(_holder(path)) and _age(path, who) < timeout:
        return False
    aside = f"{path}.{who}"
    try:
        os.rename(path, aside)
        if read_text(aside) != seen:  # somebody was quicker, and this is theirs
            os.rename(aside, path)
            return False
        os.unlink(aside)
    except FileNotFoundError:
        pass
    return True


def _gone(holder: dict[str, object]) -> bool:
    if not holder.get("machine") or holder["machine"] != machine():
        return False
    return _started(str(holder.get("pid"))) != holder.get("started")


def _age(path: str, who: str) -> float:
    """Seconds since the last sign of life, by the volume's clock."""
    probe = f"{path}.clock.{who}"
    try:
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        now = os.stat(probe).st_mtime
        os.unlink(probe)
        return now - os.stat(path).st_mtime
    except FileNotFoundError:
        return 0.0


def _holder(path: str) -> dict[str, object]:
    try:
        found = json.loads(read_text(path) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _started(pid: str) -> str:
    """Start time of a process (field 22 of /proc/<pid>/stat, proc(5)); "" when there is none."""
    fields = (read_text(f"/proc/{pid}/stat") or "").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""
