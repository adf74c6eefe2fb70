"""A: writes and reads small files; a write is atomic."""

from __future__ import annotations

import errno
import os
import stat
from typing import Any, BinaryIO

#: Bytes of a small file; the largest is the journal of a download, 2 MB for a file of 40 GB.
LARGEST = 16 << 20
#: chmod(2) on a volume that has modes of its own for every file (CIFS, some FUSE): nothing can be more private there.
_NO_MODES = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)


def write_atomically(
    path: str,
    content: str | bytes,
    mode: int = 0o644,
    owner: tuple[int, int] | None = None,
    *,
    durable: bool = True,
    dir_fd: int | None = None,
) -> None:
    """Replace `path` by `content`: a reader, and a crash at any moment, sees the old file or the new one, whole.
    A folder in the place of `path` is set aside beside it.

    Args:
        path: Destination; its folder must exist.
        content: The whole content; text becomes UTF-8.
        mode: Permission bits of the file from its creation on: a secret is never readable, not even briefly.
        owner: (uid, gid) the file belongs to; None: the user of this process.
        dir_fd: Open folder that `path`, a name, is in; None: `path` has its folder.
        durable: Sync to the disk. False for a file that describes this boot alone: fsync can block for seconds.

    Raises:
        OSError: The folder cannot be written; an old file is untouched.
    """
    folder = os.path.dirname(os.path.abspath(path)) if dir_fd is None else ""
    # Random, never the pid: in a container that is always 1, so a leftover would block every later write.
    temporary = os.path.join(folder, f".podkeeper-{os.urandom(8).hex()}.tmp")
    try:
        descriptor = os.open(
            temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=dir_fd
        )
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None  # the temporary name says nothing to a reader
    try:
        with os.fdopen(descriptor, "wb") as file:
            if owner:
                os.fchown(file.fileno(), *owner)
            try:
                os.fchmod(file.fileno(), mode)  # the umask took bits away
            except OSError as error:
                if error.errno not in _NO_MODES:
                    raise
            file.write(content if isinstance(content, bytes) else content.encode())
            file.flush()
            if durable:
                os.fsync(file.fileno())
        try:
            os.rename(temporary, path, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
        except IsADirectoryError:
            os.rename(path, f"{path}.set-aside-{os.urandom(6).hex()}", src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
            os.rename(temporary, path, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    except BaseException:
        os.unlink(temporary, dir_fd=dir_fd)
        raise
    if durable:
        sync_folder(folder if dir_fd is None else f"/proc/self/fd/{dir_fd}")


def write_json(path: str, content: object, mode: int = 0o644, *, durable: bool = False) -> None:
    """Replace the JSON file at `path`, by default without a sync (see `write_atomically`, also for what it raises)."""
    import json  # not needed before the first spawn

    write_atomically(path, json.dumps(content, separators=(",", ":")), mode, durable=durable)


def remove(path: str, *, dir_fd: int | None = None) -> bool:
    """Remove whatever is at `path`, a folder with all of its content; returns whether something was there.

    Args:
        path: A file, a link, which is not followed, or a folder.
        dir_fd: Open folder that `path`, a name, is in.

    Raises:
        OSError: It cannot be removed.
    """
    try:
        os.unlink(path, dir_fd=dir_fd)
    except FileNotFoundError:
        return False
    except IsADirectoryError:
        import shutil  # rare; its rmtree follows no links, also where another program replaces folders meanwhile

        shutil.rmtree(path, dir_fd=dir_fd)
    return True


def open_regular(path: str, *, links: bool = False, dir_fd: int | None = None) -> BinaryIO:
    """Open a regular file for reading. Anything may be found in a folder that services write to: a FIFO, whose opening
    would block, a device, a folder.

    Args:
        path: The file.
        links: Whether a link is followed; False: it is refused.
        dir_fd: Open folder that `path`, a name, is in.

    Raises:
        OSError: It cannot be opened, or is not a regular file.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | (0 if links else os.O_NOFOLLOW)
    descriptor = os.open(path, flags, dir_fd=dir_fd)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # before `fdopen`, which refuses a folder and leaves it open
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    return os.fdopen(descriptor, "rb")


def read_bytes(path: str, most: int = LARGEST, *, links: bool = True) -> bytes:
    """Return the content of a regular file (see `open_regular`) of at most `most` bytes.

    Raises:
        OSError: It cannot be read, is not a regular file, or is too large.
    """
    with open_regular(path, links=links) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most} bytes", path)
    return content


def read_text(path: str) -> str | None:
    """Return the file's text; None where it cannot be read (see `read_bytes`) or is not UTF-8."""
    try:
        return read_bytes(path).decode()
    except (OSError, UnicodeDecodeError):
        return None


def read_json(path: str) -> Any:
    """The decoded content of one of the pod's own JSON files, never a link; None where it cannot be read or decoded."""
    import json

    try:
        return json.loads(read_bytes(path, links=False))
    except (OSError, ValueError, RecursionError):
        return None


def read_table(path: str) -> dict[str, Any]:
    """The object in a JSON file; {} where `read_json` finds none, or something else: of an earlier or later version."""
    found = read_json(path)
    return found if isinstance(found, dict) else {}


def read_list(path: str, key: str) -> list[Any]:
    """The list under `key` of the object in a JSON file (see `read_table`); [] where there is none."""
    found = read_table(path).get(key)
    return found if isinstance(found, list) else []


def last_lines(path: str, most: int) -> list[str]:
    """The lines in the last `most` bytes of a text file, the first perhaps cut; [] where it cannot be read."""
    try:
        with open_regular(path, links=True) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - most))
            return file.read(most).decode(errors="replace").splitlines()
    except OSError:
        return []


def sync_folder(folder: str) -> None:
    """Sync `folder`, so that a rename in it survives a power cut (fsync(2))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network file systems refuse fsync on a folder (EINVAL); the file itself is synced
    finally:
        os.close(descriptor)
