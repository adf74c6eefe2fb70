"""A: creates the folders the pod itself writes to."""

from __future__ import annotations

import os
import stat

from entrypoint.settings.paths import Paths
from entrypoint.settings.users import Identity
from entrypoint.system.files import remove


def make_own_folders(paths: Paths, service: Identity) -> None:
    """Create the folders the pod itself writes to, and clear the conditions of an earlier start.

    Args:
        paths: Where the folders are.
        service: The user of the services, who may write the home and the conditions.

    Raises:
        OSError: A folder cannot be created, or the runtime folder belongs to another user. It holds the token, and
            in a shared temporary folder another user could have created it first.
    """
    conditions = os.path.join(paths.runtime, "conditions")
    interface = os.path.dirname(paths.interface_defaults)
    theirs = ((paths.home, 0o755), (paths.jupyter_config_folder, 0o700), (interface, 0o755), (conditions, 0o755))
    for folder, mode in ((paths.log, 0o755), (paths.runtime, 0o755), *theirs):
        os.makedirs(folder, mode=mode, exist_ok=True)
    found = os.lstat(paths.runtime)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(1, "it belongs to another user; remove it", paths.runtime)
    if service.uid != os.geteuid():
        for folder, _ in theirs:
            os.chown(folder, service.uid, service.gid)
    for name in os.listdir(conditions):
        remove(os.path.join(conditions, name))
