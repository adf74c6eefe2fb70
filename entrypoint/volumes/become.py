"""A: what a launcher does first: take off root's powers (RUN_AS, PUID:PGID) and set the umask.

Not supervisord's `user=`: it wants a name in /etc/passwd, and an image has none for its users' users.
"""

from __future__ import annotations

import os

from entrypoint.settings import Settings
from entrypoint.volumes.identity import own_identity
from entrypoint.volumes.owner import umask_for
from entrypoint.volumes.service import service_of


def become_the_service_user(settings: Settings) -> None:
    """From here on this process is the services' user, for good.

    The policy an `auto` pass will choose is not known yet; its umask is the usual 022 then, under which a user's
    own files are right for that user.

    Raises:
        SystemExit: the kernel refuses (root without CAP_SETUID or CAP_SETGID); the message says so.
    """
    os.umask(umask_for(settings.volume_policy, settings.umask))
    wanted = service_of(settings)
    if wanted == own_identity():
        return
    try:
        os.setgroups([])
        os.setresgid(wanted.gid, wanted.gid, wanted.gid)
        os.setresuid(wanted.uid, wanted.uid, wanted.uid)
    except PermissionError as error:  # going on as root is not what RUN_AS asked for
        remedy = "grant CAP_SETUID and CAP_SETGID, or unset RUN_AS and PUID"
        message = f"podkeeper: cannot run as {wanted}: {error.strerror}; {remedy}"
        raise SystemExit(message) from error
