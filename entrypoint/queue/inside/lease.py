"""A: whose journal is whose: the owner's name, and a lease that says whether that pod still lives.

A pod's program `nodes` holds the lease, not ComfyUI: a ComfyUI that is restarted or hangs keeps its queue. Network file
systems do not agree on flock: a lock counts only where holder and observer see the same mount of the same kernel, as
two containers of one machine do. Else a lease is dead once it was not renewed for a while by the volume's clock.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import time

from .files import SMALL, open_file, read_small

#: Seconds between two renewals; seconds after which a lease is dead: NFS shows a file's time up to 60 s late (nfs(5)).
RENEW_S, DEAD_S = 5.0, 90.0
JOURNAL, LEASE, TAKEN, ADOPTED = ".journal", ".lease", ".taken", ".adopted"
_OWNER = re.compile(r"[a-z0-9-]{1,64}")


def folder_of(models_state: str) -> str:
    """The folder of all pods' journals on the volume."""
    return f"{models_state}/queue"


def owner_of(runtime: str, pod_id: str) -> str:
    """The name of this pod's journal: RunPod's id, which outlives the container, else a random name of this container.

    Not the host name, which two pods can have in common (`docker run --network host`).

    Raises:
        OSError: The runtime folder refuses.
    """
    if _OWNER.fullmatch(pod_id.lower()):
        return pod_id.lower()
    path = f"{runtime}/reports/queue-owner"
    for _ in range(2):
        with contextlib.suppress(FileExistsError):
            part = f"{path}.{os.urandom(6).hex()}"
            with open(part, "x", encoding="utf-8") as file:
                file.write(os.urandom(8).hex())
            try:
                os.link(part, path)  # whole from the first moment: ComfyUI and `nodes` may both be the first
            finally:
                os.unlink(part)
        found = read_small(path).decode(errors="replace")
        if _OWNER.fullmatch(found):
            return found
        with contextlib.suppress(OSError):
            os.rename(path, f"{path}.damaged")
    raise OSError(errno.EINVAL, "it is not a name", path)


def hold(folder: str, owner: str) -> int:
    """Hold the lease with a descriptor, which `renew` keeps alive; it ends with this process.

    Raises:
        OSError: The volume refuses.
    """
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = f"{folder}/{owner}{LEASE}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        about = json.dumps({"boot": _boot(), "device": os.fstat(descriptor).st_dev}).encode()
        os.pwrite(descriptor, about, 0)
        os.ftruncate(descriptor, len(about))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def renew(descriptor: int) -> None:
    """Renew the lease. Raises OSError."""
    os.utime(descriptor)


def hold_for_ever(folder: str, owner: str) -> None:
    """Hold and renew the lease until this process ends. A volume that refuses is asked again."""
    descriptor = -1
    while True:
        try:
            if descriptor < 0 or not os.path.exists(f"{folder}/{owner}{LEASE}"):
                if descriptor >= 0:
                    os.close(descriptor)
                descriptor = -1
                descriptor = hold(folder, owner)
            renew(descriptor)
        except OSError as error:
            print(f"queue: cannot hold the lease of the queue: {error.strerror}", flush=True)
            time.sleep(60)
        time.sleep(RENEW_S)


def is_dead(folder: str, owner: str) -> bool:
    """Whether the pod `owner` has ended. Raises OSError: the volume refuses."""
    path = f"{folder}/{owner}{LEASE}"
    try:
        with open_file(path) as file:
            about = json.loads(os.read(file.fileno(), SMALL) or b"{}")
            if isinstance(about, dict) and about.get("boot") == _boot():
                lock = _lock_says(file.fileno(), about.get("device"))
                if lock is not None:
                    return lock
            renewed = os.fstat(file.fileno()).st_mtime
    except (FileNotFoundError, ValueError):  # a pod that has just started, or has never held one
        renewed = max((_mtime(f"{folder}/{owner}{end}") for end in (JOURNAL, LEASE)), default=0.0)
    return _now(folder) - renewed > DEAD_S


def _lock_says(descriptor: int, device: object) -> bool | None:
    """Whether the holder has ended, by its lock; None where a lock says nothing."""
    if os.fstat(descriptor).st_dev != device:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return True


def _mtime(path: str) -> float:
    try:
        return os.stat(path, follow_symlinks=False).st_mtime
    except OSError:
        return 0.0


def _now(folder: str) -> float:
    """The volume's clock: that of another machine's lease may differ from this machine's."""
    probe = f"{folder}/clock.{os.urandom(6).hex()}"
    os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    try:
        return os.stat(probe).st_mtime
    finally:
        os.unlink(probe)


def _boot() -> str:
    """The kernel, which containers of one machine share."""
    return read_small("/proc/sys/kernel/random/boot_id").decode(errors="replace").strip()
