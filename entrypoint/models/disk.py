"""A: the volume's free space, and its errors as reasons with a remedy."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from entrypoint.models.errors import DiskError, VolumeFailed

#: The errors of a volume that is broken or gone; all others are about one file: its name, its folder, its owner.
_GONE = (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.ENXIO, errno.ETIMEDOUT, errno.EHOSTDOWN)


@contextlib.contextmanager
def disk_work(what: str) -> Iterator[None]:
    """Turn an OSError of the volume into `DiskError` (network errors are OSErrors too: never around those).

    `what`: the operation, as in "cannot <what>".
    """
    try:
        yield
    except OSError as error:
        reason = f"cannot {what}: {error.strerror or error}"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            remedy = "free space on the volume or enlarge it (a quota may not show in df), then start it again"
            raise VolumeFailed("VolumeFull", reason, remedy, temporary=True) from error
        if error.errno == errno.EROFS:
            raise VolumeFailed("VolumeReadOnly", reason, "mount the volume writable, then start it again") from error
        if error.errno in _GONE:
            raise VolumeFailed("VolumeRefuses", reason, "check the volume's permissions and state") from error
        if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ):
            remedy = "the volume does not take this name: give another `dest` in the manifest"
            raise DiskError("BadName", reason, remedy) from error
        remedy = "check what is in its place, and its permissions, with `ls -la`"
        raise DiskError("VolumeRefuses", reason, remedy) from error


def free_space(folder: str) -> tuple[int, int]:
    """(free for this user, total) bytes of the file system that `folder` is or will be on."""
    while True:
        try:
            found = os.statvfs(folder)
            return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
        except FileNotFoundError:
            folder = os.path.dirname(folder)
