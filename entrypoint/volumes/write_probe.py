"""A: can this volume really be written? Tries it, as the services' user, in a child that may hang.

Only writing tells: a full or over-quota volume takes a chmod, a read-only one shows drwxrwxrwx, and network
file systems report EDQUOT at write or fsync while df shows room.
"""

import contextlib
import errno
import os
import stat
import time
from typing import Any, NamedTuple

from entrypoint.settings.users import Identity, Powers
from entrypoint.system.bounded_process import Child, Plain, collect, launch
from entrypoint.volumes.diagnosis import Probe

PREFIX = ".podkeeper-canary-"
BOOT_TIMEOUT_S = 5.0

_NOBODY = 65534
_STALE_S = 3600.0
_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_REFUSALS = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)


class Flight(NamedTuple):
    """A canary on its way: start() sends it, land() brings it back, and boot goes on in between."""

    child: Child
    uid: int


def start(path: str, service: Identity, powers: Powers) -> Flight:
    """Starts probing the folder `path`; costs a fork. Raises OSError where no child can be made."""
    return Flight(launch(lambda: _examine(path, service, powers)), service.uid)


def land(flight: Flight, timeout_s: float = BOOT_TIMEOUT_S) -> Probe:
    """What it saw; error HUNG if it takes longer than `timeout_s` since start()."""
    answer: dict[str, Any] = dict(collect(flight.child, timeout_s))
    took = round((time.monotonic() - flight.child.started) * 1000)
    return Probe(**{"uid": flight.uid, "milliseconds": took, **answer})


def probe(path: str, service: Identity, powers: Powers, timeout_s: float = BOOT_TIMEOUT_S) -> Probe:
    return land(start(path, service, powers), timeout_s)


def sweep(path: str, now: float) -> int:
    """Removes what canaries that never came back left on the volume; how many. `now`: seconds since 1970."""
    swept = 0
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and now - entry.stat(follow_symlinks=False).st_mtime > _STALE_S:
                os.rmdir(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
                swept += 1
    return swept


def _examine(path: str, service: Identity, powers: Powers) -> Plain:
    seen: Plain = {"step": "open"}
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        seen["step"] = "statfs"
        _look_at_the_mount(folder, seen)
        _as_the_service(folder, service, powers, seen)
    except OSError as problem:
        seen["error"] = _name(problem)
    else:
        seen["step"] = ""
    return seen


def _as_the_service(folder: int, service: Identity, powers: Powers, seen: Plain) -> None:
    os.umask(0o077)
    foreign = powers.uid == 0 and service.uid != 0
    if foreign and powers.chown:
        _try_giving_away(folder, service, seen)
    if foreign:
        seen["step"] = "setuid"
        os.setgroups([])
        os.setresgid(service.gid, service.gid, service.gid)
        os.setresuid(service.uid, service.uid, service.uid)
    seen["dac_override"] = powers.dac_override and not foreign
    _exercise(folder, seen, give_away=powers.chown and not foreign)


def _look_at_the_mount(folder: int, seen: Plain) -> None:
    mount = os.fstatvfs(folder)
    seen["read_only"] = bool(mount.f_flag & os.ST_RDONLY)
    seen["noexec"] = bool(mount.f_flag & os.ST_NOEXEC)
    seen["free_bytes"] = mount.f_bavail * mount.f_frsize
    seen["free_inodes"] = mount.f_favail if mount.f_files else None  # 0 of 0: it does not count inodes


def _try_giving_away(folder: int, service: Identity, seen: Plain) -> None:
    """Only root can give a file away, and the rest of the probe is not root's."""
    name = _new_name()
    try:
        file = os.open(name, _NEW, 0o600, dir_fd=folder)
    except OSError:
        return  # the probe proper will say why
    try:
        _give(file, service.uid, service.gid, seen)
    finally:
        os.close(file)
        _remove(name, folder, seen)


def _exercise(folder: int, seen: Plain, give_away: bool) -> None:
    """Create, write, fsync, chmod with read-back, rename, delete, and a folder made and removed."""
    seen["step"] = "create"
    name, other = _new_name(), _new_name()
    file = os.open(name, _NEW, 0o600, dir_fd=folder)
    try:
        seen["step"] = "write"
        os.write(file, bytes(4096))
        seen["step"] = "fsync"
        os.fsync(file)
        seen["owner_kept"] = os.fstat(file).st_uid == os.geteuid()
        _try_mode(file, seen)
        if give_away:
            _give(file, _NOBODY, _NOBODY, seen)
        seen["step"] = "rename"
        os.rename(name, other, src_dir_fd=folder, dst_dir_fd=folder)
        name = other
    finally:
        os.close(file)
        _remove(name, folder, seen)
    seen["step"] = "mkdir"
    os.mkdir(name, 0o700, dir_fd=folder)
    seen["step"] = "rmdir"
    os.rmdir(name, dir_fd=folder)


def _try_mode(file: int, seen: Plain) -> None:
    try:
        os.fchmod(file, 0o640)
    except OSError as problem:
        if problem.errno not in _REFUSALS:
            raise
        seen["chmod_error"] = _name(problem)
    else:
        seen["modes_kept"] = stat.S_IMODE(os.fstat(file).st_mode) == 0o640


def _give(file: int, uid: int, gid: int, seen: Plain) -> None:
    try:
        os.fchown(file, uid, gid)
    except OSError as problem:
        seen["chown_error"] = _name(problem)


def _remove(name: str, folder: int, seen: Plain) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except OSError:
        seen["left_behind"] = name


def _new_name() -> str:
    return PREFIX + os.urandom(6).hex()


def _name(problem: OSError) -> str:
    return errno.errorcode.get(problem.errno or 0, str(problem.errno))
