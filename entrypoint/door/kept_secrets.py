"""A: the folder on the volume that keeps generated secrets: opened so that no other user's folder or link is trusted.

Where the services are root's, too, the folder is taken as it is: some network volumes show owners and modes of their
own, and there is no other user to beware of.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from entrypoint.conditions.condition import Condition
from entrypoint.settings.paths import Paths
from entrypoint.system.files import open_regular, write_atomically
from entrypoint.system.folders import FOLDER, open_folder

_LONGEST = 4096
#: rename(2) on a file system that has none.
_NO_RENAME = (errno.ENOSYS, errno.ENOTSUP, errno.EPERM)


class KeptSecrets:
    """The open folder. `set_aside`: the condition where another user's folder, file or link was in its place."""

    def __init__(self, paths: Paths, *, shared: bool) -> None:
        """Open the folder, made where missing; `shared`: another user than this process's runs the services.

        Raises:
            OSError: The volume refuses, or does not keep the folder's owner and mode.
        """
        self._paths, self._shared = paths, shared
        self.set_aside: Condition | None = None
        if shared:
            self._folder = self._open_verified()
        else:
            os.makedirs(paths.kept_secrets, mode=0o700, exist_ok=True)
            self._folder = os.open(paths.kept_secrets, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        """Close the folder."""
        os.close(self._folder)

    def read(self, name: str) -> str:
        """Return the secret, or ""; one that an earlier version kept in the data folder is moved here first."""
        text = self._read(self._folder, name)
        former = f"{self._paths.stored}/.podkeeper"
        if text or former == self._paths.kept_secrets:
            return text
        with contextlib.suppress(OSError):
            folder = open_folder(former).descriptor if self._shared else os.open(former, FOLDER)
            try:
                if self._trusted(os.fstat(folder)):
                    text = self._read(folder, name)
                if text:
                    self.write(name, text)
                    os.unlink(name, dir_fd=folder)
            finally:
                os.close(folder)
        return text

    def write(self, name: str, text: str) -> None:
        """Keep the secret. Raises OSError: the volume refuses."""
        try:
            write_atomically(name, text, 0o600, dir_fd=self._folder)
        except OSError as error:
            if error.errno not in _NO_RENAME:
                raise
            # An object store as a volume: a new file can be written there, and none replaced.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._folder)
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(name, flags, 0o600, dir_fd=self._folder), "w", encoding="utf-8") as file:
                file.write(text)

    def _read(self, folder: int, name: str) -> str:
        try:
            with open_regular(name, dir_fd=folder) as file:
                found = os.fstat(file.fileno())
                trusted = found.st_nlink == 1 and self._trusted(found)
                return file.read(_LONGEST).decode(errors="replace") if trusted else ""
        except OSError:
            return ""

    def _trusted(self, found: os.stat_result) -> bool:
        return not self._shared or (found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH))

    def _open_verified(self) -> int:
        above, _, name = self._paths.kept_secrets.rpartition("/")
        parent = open_folder(above, make=0o755).descriptor
        try:
            with contextlib.suppress(OSError):
                folder = os.open(name, FOLDER, dir_fd=parent)
                if self._trusted(os.fstat(folder)):
                    return folder
                os.close(folder)
            return self._make(parent, name)
        finally:
            os.close(parent)

    def _make(self, parent: int, name: str) -> int:
        """Make the folder under another name first: a volume that does not keep modes must not lose the old one."""
        new = f"{name}.{os.urandom(6).hex()}"
        os.mkdir(new, 0o700, dir_fd=parent)
        folder = os.open(new, FOLDER, dir_fd=parent)
        try:
            if not self._trusted(os.fstat(folder)):
                os.rmdir(new, dir_fd=parent)
                raise PermissionError(1, "the volume does not keep the owner and mode of a folder")
            with contextlib.suppress(FileNotFoundError):
                aside = f"{name}.set-aside-{os.urandom(6).hex()}"
                os.rename(name, aside, src_dir_fd=parent, dst_dir_fd=parent)
                self.set_aside = _set_aside(self._paths.kept_secrets, aside)
            os.rename(new, name, src_dir_fd=parent, dst_dir_fd=parent)
        except OSError:
            os.close(folder)
            raise
        return folder


def _set_aside(path: str, aside: str) -> Condition:
    reason = f"{path} was not the pod's own, so it is now {aside}, and the pod has made a new folder and a new login"
    return Condition("StateSetAside", reason, f"look who has put it there, then remove {aside}")
