"""A: drops root's privileges (RUN_AS, PUID:PGID), sets the umask, and reads this process's user and capabilities.

Not supervisord's `user=`: it needs a name in /etc/passwd, and an image has none for arbitrary uids.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import Identity, Powers, service_identity
from entrypoint.settings.volume_policy import umask_for
from entrypoint.system.bounded_process import Plain, run_bounded


def become_service_user(settings: Settings) -> None:
    """Set the umask and switch this process to the services' user, irrevocably.

    The policy an `auto` pass will choose is not known yet, so the umask is then the usual 022, which suits files
    that only their owner writes.

    Raises:
        SystemExit: The kernel refuses (root without CAP_SETUID or CAP_SETGID); the message says so.
    """
    os.umask(umask_for(settings.volume_policy, settings.umask))
    wanted = service_identity_of(settings)
    if wanted == own_identity():
        return
    try:
        os.setgroups([])
        os.setresgid(wanted.gid, wanted.gid, wanted.gid)
        os.setresuid(wanted.uid, wanted.uid, wanted.uid)
    except PermissionError as error:  # running on as root would ignore RUN_AS
        remedy = "grant CAP_SETUID and CAP_SETGID, or unset RUN_AS and PUID"
        raise SystemExit(f"podkeeper: cannot run as {wanted}: {error.strerror}; {remedy}") from error


#: Seconds that `as_service_user` waits: a dead volume must not block the boot.
_TIMEOUT_S = 30.0


def as_service_user(settings: Settings, work: Callable[[], None]) -> None:
    """Do some work on files as the services' user: in a child process, where that is not this process's user.

    Raises:
        CannotDo: As `work` does.
        OSError: As `work` does; or it has not ended in time.
    """
    if service_identity_of(settings) == own_identity():
        work()
        return
    result = run_bounded(lambda: _reported(settings, work), _TIMEOUT_S)
    if "name" in result:
        words = (str(result[part]) for part in ("name", "reason", "remedy"))
        raise CannotDo(Condition(*words))
    if "errno" in result:
        raise OSError(result["errno"], result["strerror"], result["filename"])
    if "error" in result:
        raise TimeoutError(110, f"not done as the services' user ({result['error']})")


def _reported(settings: Settings, work: Callable[[], None]) -> Plain:
    try:
        become_service_user(settings)
        work()
    except SystemExit as error:
        return {"errno": errno.EPERM, "strerror": str(error).removeprefix("podkeeper: "), "filename": None}
    except CannotDo as error:
        return {"name": error.condition.name, "reason": error.condition.reason, "remedy": error.condition.remedy}
    except OSError as error:
        name = error.filename if isinstance(error.filename, str) else None
        return {"errno": error.errno or 0, "strerror": error.strerror or str(error), "filename": name}
    return {}


# Bits of CapEff, capabilities(7).
_CAP_CHOWN, _CAP_DAC_OVERRIDE, _CAP_FOWNER, _CAP_SETGID, _CAP_SETUID = 0, 1, 3, 6, 7


def own_identity() -> Identity:
    """Return the effective uid and gid of this process."""
    return Identity(os.geteuid(), os.getegid())


def powers(status_file: str = "/proc/self/status") -> Powers:
    """Return this process's uid and capabilities; root without /proc counts as root with every capability.

    A call that is then refused is counted, not fatal.
    """
    uid = os.geteuid()
    effective = _effective_capabilities(status_file, otherwise=0 if uid else ~0)
    return Powers(
        uid,
        dac_override=bool(effective >> _CAP_DAC_OVERRIDE & 1),
        chown=bool(effective >> _CAP_CHOWN & 1),
        fowner=bool(effective >> _CAP_FOWNER & 1),
        change_user=bool(effective >> _CAP_SETGID & effective >> _CAP_SETUID & 1),
    )


def missing_capabilities(wanted: Mapping[str, int], status_file: str = "/proc/self/status") -> list[str]:
    """Return the names in `wanted`, name -> bit, that this process lacks; root without /proc counts as lacking none."""
    effective = _effective_capabilities(status_file, otherwise=0 if os.geteuid() else ~0)
    return [name for name, bit in wanted.items() if not effective >> bit & 1]


def _effective_capabilities(status_file: str, otherwise: int) -> int:
    try:
        with open(status_file, "rb") as lines:
            for line in lines:
                if line.startswith(b"CapEff:"):
                    return int(line.split()[1], 16)
    except OSError:
        pass
    return otherwise


def service_identity_of(settings: Settings) -> Identity:
    """Return the user and group the services run as."""
    return service_identity(settings.run_as, settings.puid, settings.pgid, own_identity())
