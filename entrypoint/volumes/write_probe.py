"""A: a write probe of a volume, as the services' user, in a child process that may hang.

Only a write shows the truth: a full or over-quota volume accepts a chmod, a read-only one shows drwxrwxrwx, and
network file systems report EDQUOT at write or fsync while df shows free space.
"""

import contextlib
import errno
import os
import stat
import time
from typing import Any, NamedTuple

from entrypoint.settings.users import Identity, Powers
from entrypoint.system.bounded_process import Child, Plain, collect, launch
from entrypoint.system.folders import FOLDER, open_data_folder
from entrypoint.volumes.diagnosis import ProbeResult

PREFIX = ".podkeeper-write-probe-"
BOOT_TIMEOUT_S = 5.0

_SWEPT = (PREFIX, ".podkeeper-canary-")  # the second one: of earlier versions
_NOBODY = 65534
_STALE_S = 3600.0
_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_REFUSALS = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)


class RunningProbe(NamedTuple):
    """A write probe between start() and finish(); the boot continues meanwhile."""

    child: Child
    uid: int


def start(path: str, service: Identity, powers: Powers) -> RunningProbe:
    """Start probing the folder `path`, at the cost of a fork. Raises OSError where the fork fails."""
    return RunningProbe(launch(lambda: _run(path, service, powers)), service.uid)


def finish(running: RunningProbe, timeout_s: float = BOOT_TIMEOUT_S) -> ProbeResult:
    """Return the result; its error is HUNG after `timeout_s` seconds since start()."""
    response: dict[str, Any] = dict(collect(running.child, timeout_s))
    took = round((time.monotonic() - running.child.started) * 1000)
    return ProbeResult(**{"uid": running.uid, "milliseconds": took, **response})


def probe(path: str, service: Identity, powers: Powers, timeout_s: float = BOOT_TIMEOUT_S) -> ProbeResult:
    """Run a write probe to its end."""
    return finish(start(path, service, powers), timeout_s)


def sweep(path: str, now: float) -> int:
    """Remove the files of interrupted write probes from the volume; returns how many. `now`: seconds since 1970."""
    swept = 0
    with contextlib.suppress(OSError):
        folder = os.open(path, FOLDER)
        try:
            for name in [name for name in os.listdir(folder) if name.startswith(_SWEPT)]:
                found = os.lstat(name, dir_fd=folder)
                if now - found.st_mtime > _STALE_S:
                    remove = os.rmdir if stat.S_ISDIR(found.st_mode) else os.unlink
                    remove(name, dir_fd=folder)
                    swept += 1
        finally:
            os.close(folder)
    return swept


def _run(path: str, service: Identity, powers: Powers) -> Plain:
    result: Plain = {"step": "open"}
    try:
        folder = open_data_folder(path, follow=powers.uid == service.uid)
        result["step"] = "statfs"
        _read_mount(folder, result)
        _probe_as_service(folder, service, powers, result)
    except OSError as problem:
        result["error"] = _name(problem)
    else:
        result["step"] = ""
    return result


def _probe_as_service(folder: int, service: Identity, powers: Powers, result: Plain) -> None:
    os.umask(0o077)
    foreign = powers.uid == 0 and service.uid != 0
    if foreign and powers.chown:
        _try_chown(folder, service, result)
    if foreign:
        result["step"] = "setuid"
        os.setgroups([])
        os.setresgid(service.gid, service.gid, service.gid)
        os.setresuid(service.uid, service.uid, service.uid)
    result["dac_override"] = powers.dac_override and not foreign
    _write(folder, result, give_away=powers.chown and not foreign)


def _read_mount(folder: int, result: Plain) -> None:
    mount = os.fstatvfs(folder)
    result["read_only"] = bool(mount.f_flag & os.ST_RDONLY)
    result["noexec"] = bool(mount.f_flag & os.ST_NOEXEC)
    result["free_bytes"] = mount.f_bavail * mount.f_frsize
    result["free_inodes"] = mount.f_favail if mount.f_files else None  # 0 of 0: inodes are not counted


def _try_chown(folder: int, service: Identity, result: Plain) -> None:
    """Only root can give a file away, and the rest of the probe does not run as root."""
    name = _new_name()
    try:
        file = os.open(name, _NEW, 0o600, dir_fd=folder)
    except OSError:
        return  # _write reports why
    try:
        _chown(file, service.uid, service.gid, result)
    finally:
        os.close(file)
        _remove(name, folder, result)


def _write(folder: int, result: Plain, give_away: bool) -> None:
    """Create, write, fsync, chmod with read-back, rename, delete, and a folder made and removed."""
    result["step"] = "create"
    name, other = _new_name(), _new_name()
    file = os.open(name, _NEW, 0o600, dir_fd=folder)
    try:
        result["step"] = "write"
        os.write(file, bytes(4096))
        result["step"] = "fsync"
        os.fsync(file)
        result["owner_kept"] = os.fstat(file).st_uid == os.geteuid()
        _try_mode(file, result)
        if give_away:
            _chown(file, _NOBODY, _NOBODY, result)
        result["step"] = "rename"
        os.rename(name, other, src_dir_fd=folder, dst_dir_fd=folder)
        name = other
    finally:
        os.close(file)
        _remove(name, folder, result)
    result["step"] = "mkdir"
    os.mkdir(name, 0o700, dir_fd=folder)
    result["step"] = "rmdir"
    os.rmdir(name, dir_fd=folder)


def _try_mode(file: int, result: Plain) -> None:
    try:
        os.fchmod(file, 0o640)
    except OSError as problem:
        if problem.errno not in _REFUSALS:
            raise
        result["chmod_error"] = _name(problem)
    else:
        result["modes_kept"] = stat.S_IMODE(os.fstat(file).st_mode) == 0o640


def _chown(file: int, uid: int, gid: int, result: Plain) -> None:
    try:
        os.fchown(file, uid, gid)
    except OSError as problem:
        result["chown_error"] = _name(problem)


def _remove(name: str, folder: int, result: Plain) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except OSError:
        result["left_behind"] = name


def _new_name() -> str:
    return PREFIX + os.urandom(6).hex()


def _name(problem: OSError) -> str:
    return errno.errorcode.get(problem.errno or 0, str(problem.errno))
