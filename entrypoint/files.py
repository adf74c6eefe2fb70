"""A: put a file in its place whole or not at all."""

from __future__ import annotations

import os


def write_atomically(
    path: str, content: str | bytes, mode: int = 0o644, owner: tuple[int, int] | None = None
) -> None:
    """Write `content` to `path` so that a reader, or a crash at any moment, sees the old or the new, whole.

    Args:
        path: Destination; its folder must exist.
        content: The whole of it; text becomes UTF-8.
        mode: Permission bits the file has from its first moment on (a secret is never readable, not even
            for an instant).
        owner: (uid, gid) the file belongs to; None: whoever writes it.

    Raises:
        OSError: The folder can't be written; the old file, if any, is untouched.
    """
    folder, name = os.path.split(os.path.abspath(path))
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if owner:
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)  # the umask took bits away
            file.write(content if isinstance(content, bytes) else content.encode())
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    sync_folder(folder)


def sync_folder(folder: str) -> None:
    """Make a rename in `folder` survive a power cut (fsync of the folder, see fsync(2))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network file systems refuse fsync on a folder (EINVAL); the file itself is synced
    finally:
        os.close(descriptor)


def read_text(path: str) -> str | None:
    """The file's text, or None where there is none to read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return None
