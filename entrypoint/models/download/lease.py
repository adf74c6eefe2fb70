"""A: a lease: one download per file, also with several pods on one volume, renewed by its mtime.

Network file systems do not agree on flock; O_EXCL and rename work everywhere. A holder that has ended on this
very machine is noticed at once; one of another machine, by a lease that was not renewed for a while, both
times read from the volume's own clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
from collections.abc import AsyncIterator

from entrypoint.models.errors import LeaseLost
from entrypoint.system.files import read_table, read_text, remove


class Lease:
    """A lease that is held. Made by `acquire`. `owner`: a random token of this holder."""

    def __init__(self, path: str, owner: str) -> None:
        self._path, self.owner = path, owner

    def renew(self) -> None:
        """Set the lease's mtime. Raises LeaseLost: another holder has it."""
        if _holder(self._path).get("who") != self.owner:
            raise LeaseLost(removed=not os.path.lexists(self._path))
        with contextlib.suppress(OSError):
            os.utime(self._path)

    @contextlib.asynccontextmanager
    async def renewed(self, every: float) -> AsyncIterator[None]:
        """Renew it every so many seconds while the block runs, and release it after the block.

        Raises LeaseLost: another holder has it; the block is cancelled.
        """
        try:
            async with asyncio.TaskGroup() as group:
                renewing = group.create_task(self._renew_for_ever(every))
                yield
                renewing.cancel()
        except BaseExceptionGroup as problems:
            raise problems.exceptions[0] from None
        finally:
            self.release()

    async def _renew_for_ever(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            self.renew()

    def release(self) -> None:
        """Remove it, where it is still ours."""
        if _holder(self._path).get("who") == self.owner:
            with contextlib.suppress(OSError):
                os.unlink(self._path)


def acquire(folder: str, timeout: float) -> Lease | None:
    """Acquire the lease in `folder` (made where missing); None: another process holds it.

    `folder`: the staging folder of one file; `timeout`: seconds without a renewal after which another's lease is stale.
    """
    path, owner = os.path.join(folder, "lease"), secrets.token_hex(8)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for _ in range(2):
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            if not _set_aside_if_stale(path, owner, timeout):
                return None
            continue
        with os.fdopen(descriptor, "w") as file:
            json.dump({"who": owner, "machine": machine(), "pid": os.getpid(), "started": _started("self")}, file)
        return Lease(path, owner)
    return None


def machine() -> str:
    """This boot of this machine, and this container on it: the scope of a pid."""
    boot = (read_text("/proc/sys/kernel/random/boot_id") or "").strip()
    with contextlib.suppress(OSError):
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    return f"{boot} ?"


def _set_aside_if_stale(path: str, owner: str, timeout: float) -> bool:
    seen = read_text(path)
    if seen is None:  # just released, or something that is no lease
        remove(path)
        return True
    if not _has_ended(_holder(path)) and _age(path, owner) < timeout:
        return False
    aside = f"{path}.{owner}"
    try:
        os.rename(path, aside)
        if read_text(aside) != seen:  # another process was quicker, and this lease is its
            os.rename(aside, path)
            return False
        os.unlink(aside)
    except FileNotFoundError:
        pass
    return True


def _has_ended(holder: dict[str, object]) -> bool:
    if not holder.get("machine") or holder["machine"] != machine():
        return False
    return _started(str(holder.get("pid"))) != holder.get("started")


def _age(path: str, owner: str) -> float:
    """Seconds since the last renewal, by the volume's clock."""
    probe = f"{path}.clock.{owner}"
    try:
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        now = os.stat(probe).st_mtime
        os.unlink(probe)
        return now - os.stat(path).st_mtime
    except FileNotFoundError:
        return 0.0


def _holder(path: str) -> dict[str, object]:
    return read_table(path)


def _started(pid: str) -> str:
    """Start time of a process (field 22 of /proc/<pid>/stat, proc(5)); "" when there is none."""
    fields = (read_text(f"/proc/{pid}/stat") or "").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""
