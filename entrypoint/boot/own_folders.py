"""A: the folders the pod itself writes to."""

from __future__ import annotations

import os
import stat

from entrypoint.settings.paths import Paths
from entrypoint.settings.users import Identity


def make_own_folders(paths: Paths, service: Identity) -> None:
    """The folders the pod itself writes to; conditions of an earlier start are forgotten.

    Args:
        paths: Where they are.
        service: Who runs the services: home and conditions are theirs to write.

    Raises:
        OSError: One can't be made, or the runtime folder is somebody else's (it holds the token: in a shared
            temporary folder another user could have made it first).
    """
    conditions = os.path.join(paths.runtime, "conditions")
    interface = os.path.dirname(paths.interface_defaults)
    theirs = (
        (paths.home, 0o755),
        (paths.jupyter_config_folder, 0o700),
        (interface, 0o755),
        (conditions, 0o755),
    )
    for folder, mode in ((paths.log, 0o755), (paths.runtime, 0o755), *theirs):
        os.makedirs(folder, mode=mode, exist_ok=True)
    found = os.lstat(paths.runtime)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(1, "it belongs to another user; remove it", paths.runtime)
    if service.uid != os.geteuid():
        for folder, _ in theirs:
            os.chown(folder, service.uid, service.gid)
    for name in os.listdir(conditions):
        os.unlink(os.path.join(conditions, name))
