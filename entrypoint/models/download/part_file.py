"""A: the bytes of one file while they arrive: a part and its journal, outside of ComfyUI's folders."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
from collections.abc import Iterator

from entrypoint.models.download.chunks import Identity, read_journal
from entrypoint.models.download.lease import LeaseLost
from entrypoint.models.transport.response_rules import DiskTrouble
from entrypoint.system.files import read_text

_SYNC_FILE_RANGE_WRITE = 2  # begin, don't wait; sync_file_range(2)
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def disk_work(what: str) -> Iterator[None]:
    """Turn an OSError of the volume into `DiskTrouble` (network errors are OSErrors too: never around those)."""
    try:
        yield
    except OSError as error:
        reason = f"cannot {what}: {error.strerror or error}"
        if error.errno in _FULL:
            remedy = "free space on the volume or enlarge it (a quota may not show in df), then start it again"
            raise DiskTrouble("VolumeFull", reason, remedy, temporary=True) from error
        if error.errno == errno.EROFS:
            raise DiskTrouble("VolumeReadOnly", reason, "mount the volume writable, then start it again") from error
        raise DiskTrouble("VolumeRefuses", reason, "look at the volume's permissions and state") from error


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _sync_file_range(descriptor: int, offset: int, count: int) -> None:
    """A hint: where it can't be had (musl, FUSE), the fsync at the end does all of it."""
    with contextlib.suppress(AttributeError, OSError):
        _libc().sync_file_range(
            descriptor, ctypes.c_int64(offset), ctypes.c_int64(count), ctypes.c_uint(_SYNC_FILE_RANGE_WRITE)
        )


class Part:
    """A part file that is open. Its names carry its owner's token: a former owner can neither move nor remove it.

    Attributes:
        done: Chunk -> bytes of it that are there.
        resumed: Bytes that were there from an earlier run.
        path: Where it is.
    """

    def __init__(self, folder: str, who: str, wanted: Identity) -> None:
        """Adopt what an earlier run left when it is of the same file, else begin anew.

        Raises:
            DiskTrouble: The volume refuses.
        """
        self._folder = folder
        self.path, self._journal_path = f"{folder}/part.{who}", f"{folder}/journal.{who}"
        with disk_work(f"write to {folder}"):
            self.done = self._adopt(wanted)
            fresh = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
            self._file = os.open(self.path, fresh, 0o666)
            os.ftruncate(self._file, wanted.size)
            self._journal = os.open(self._journal_path, fresh | os.O_APPEND, 0o600)
            if not os.fstat(self._journal).st_size:
                os.write(self._journal, wanted.header().encode())
        self.resumed = sum(self.done.values())

    def _adopt(self, wanted: Identity) -> dict[int, int]:
        names = os.listdir(self._folder)
        parts = [name for name in names if name.startswith("part.")]
        journals = [name for name in names if name.startswith("journal.")]
        if len(parts) == len(journals) == 1:  # the owners may differ: killed between the two renames below
            done = read_journal(read_text(f"{self._folder}/{journals[0]}") or "", wanted)
            if done is not None and os.stat(f"{self._folder}/{parts[0]}").st_size == wanted.size:
                os.rename(f"{self._folder}/{journals[0]}", self._journal_path)
                os.rename(f"{self._folder}/{parts[0]}", self.path)
                return done
        for name in (*parts, *journals):
            os.unlink(f"{self._folder}/{name}")
        return {}

    def write(self, offset: int, data: memoryview) -> None:
        with disk_work(f"write to {self._folder}"):
            while data:
                written = os.pwrite(self._file, data, offset)
                data, offset = data[written:], offset + written

    def note(self, index: int, count: int) -> None:
        """So many bytes of this chunk are there; known after a kill from here on."""
        self.done[index] = count
        with disk_work(f"write to {self._folder}"):
            os.write(self._journal, f"{index} {count}\n".encode())

    def begin_writing(self, start: int, end: int) -> None:
        """Have the kernel begin to write this range out, so that there is little left for the fsync at the end."""
        _sync_file_range(self._file, start, end - start)

    def read_into(self, buffer: memoryview, offset: int) -> int:
        with disk_work(f"read from {self._folder}"):
            return os.preadv(self._file, [buffer], offset)

    def seal(self, size: int) -> None:
        """All is there: cut to size, on disk for good, and still ours."""
        with disk_work(f"write to {self._folder}"):
            os.ftruncate(self._file, size)
            os.fsync(self._file)
            try:
                same = os.stat(self.path).st_ino == os.fstat(self._file).st_ino
            except FileNotFoundError:
                same = False
        if not same:
            raise LeaseLost

    def close(self) -> None:
        for descriptor in (self._file, self._journal):
            os.close(descriptor)

    def discard(self) -> None:
        """Remove what is staged; it is closed already."""
        for path in (self.path, self._journal_path):
            with contextlib.suppress(OSError):
                os.unlink(path)
