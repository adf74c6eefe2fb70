"""A: the part file of one download and its journal, outside of ComfyUI's folders, and the writers that fill it."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os

from entrypoint.models.disk import disk_work
from entrypoint.models.download.chunks import ChunkLayout, Identity, read_journal
from entrypoint.models.download.segments import Segment
from entrypoint.models.errors import LeaseLost, RetryableError
from entrypoint.system.files import read_text, remove

_SYNC_FILE_RANGE_WRITE = 2  # begin, don't wait; sync_file_range(2)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


class PartFile:
    """An open part file. Its names carry its owner's token: a former owner can neither move nor remove it.

    `done`: chunk -> bytes of it that are written; `resumed`: bytes that an earlier run has written.
    """

    def __init__(self, folder: str, owner: str, wanted: Identity) -> None:
        """Adopt the part file of an earlier run where it is of the same file, else begin anew.

        `folder`: the file's staging folder; `owner`: the lease holder's token. Raises DiskError: the volume refuses.
        """
        self._folder = folder
        self.path, self._journal_path = f"{folder}/part.{owner}", f"{folder}/journal.{owner}"
        with disk_work(f"write to {folder}"):
            self.done = self._adopt(wanted)
            flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
            self._file = os.open(self.path, flags, 0o666)
            os.ftruncate(self._file, wanted.size)
            self._journal = os.open(self._journal_path, flags | os.O_APPEND, 0o600)
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
            remove(f"{self._folder}/{name}")
        return {}

    def write(self, offset: int, data: memoryview) -> None:
        """Write all of `data` at `offset`."""
        with disk_work(f"write to {self._folder}"):
            while data:
                written = os.pwrite(self._file, data, offset)
                data, offset = data[written:], offset + written

    def record(self, index: int, count: int) -> None:
        """Enter the bytes of a chunk that are written into the journal, which survives a kill."""
        self.done[index] = count
        with disk_work(f"write to {self._folder}"):
            os.write(self._journal, f"{index} {count}\n".encode())

    def start_writeback(self, start: int, end: int) -> None:
        """Have the kernel start to write this range out, so that there is little left for the fsync at the end.

        A hint: where the call is missing (musl, FUSE), the fsync at the end does all of it.
        """
        offset, count = ctypes.c_int64(start), ctypes.c_int64(end - start)
        with contextlib.suppress(AttributeError, OSError):
            _libc().sync_file_range(self._file, offset, count, ctypes.c_uint(_SYNC_FILE_RANGE_WRITE))

    def read_into(self, buffer: memoryview, offset: int) -> int:
        """Read from `offset` into `buffer`; returns the count of bytes."""
        with disk_work(f"read from {self._folder}"):
            return os.preadv(self._file, [buffer], offset)

    def seal(self, size: int) -> None:
        """Cut a complete file to its size and sync it to the disk.

        Raises LeaseLost: the part file was removed, or moved away by another pod (a lease that is renewed just before
        says so of nearly all of those).
        """
        with disk_work(f"write to {self._folder}"):
            os.ftruncate(self._file, size)
            os.fsync(self._file)
            try:
                same = os.stat(self.path).st_ino == os.fstat(self._file).st_ino
            except FileNotFoundError:
                same = False
        if not same:
            raise LeaseLost(removed=True)

    @staticmethod
    def remove_all(folder: str) -> None:
        """Remove what an unfinished download has left in its staging folder."""
        for name in os.listdir(folder):
            if name.startswith(("part.", "journal.")):
                remove(f"{folder}/{name}")

    def close(self) -> None:
        """Close both files."""
        for descriptor in (self._file, self._journal):
            os.close(descriptor)

    def discard(self) -> None:
        """Remove both files, open or closed."""
        for path in (self.path, self._journal_path):
            with contextlib.suppress(OSError):
                os.unlink(path)


class SegmentWriter:
    """Writes the response to a segment's request, and enters it into the journal step by step.

    `offset`: the byte behind the last one written; `requested_end`: the byte behind the last one requested; the segment
    may have become shorter since.
    """

    def __init__(self, part: PartFile, layout: ChunkLayout, segment: Segment, step: int) -> None:
        """`step`: bytes between two entries of the journal."""
        self._part, self._layout, self._segment, self._step = part, layout, segment, step
        self.offset = self._recorded = layout.span(segment.next)[0] + part.done.get(segment.next, 0)
        self.requested_end = self.offset + self.left

    @property
    def left(self) -> int:
        """Bytes to the end of the segment, as it is now."""
        return self._layout.span(self._segment.end - 1)[1] - self.offset

    def write(self, data: memoryview) -> int:
        """Write the part of `data` that is the segment's; returns its bytes.

        Raises RetryableError: the response is longer than the request.
        """
        if self.offset + len(data) > self.requested_end:
            raise RetryableError("more bytes than requested")
        data = data[: max(self.left, 0)]
        self._part.write(self.offset, data)
        self.offset += len(data)
        if self.offset - self._recorded >= self._step:
            self.record()
        return len(data)

    def record(self) -> None:
        """Enter whole chunks, and the bytes of the current one."""
        segment, layout = self._segment, self._layout
        if self.offset == self._recorded:
            return
        while segment.next < segment.end and self.offset >= layout.span(segment.next)[1]:
            self._part.record(segment.next, layout.length(segment.next))
            segment.next += 1
        first = layout.span(segment.next)[0] if segment.next < segment.end else self.offset
        if self.offset > first:
            self._part.record(segment.next, self.offset - first)
        self._recorded = self.offset


class WholeWriter:
    """Writes and hashes a whole file that comes as one stream. `offset`: bytes written; `digest`: of these."""

    def __init__(self, part: PartFile, size: int | None) -> None:
        """`size`: bytes of the file, where known."""
        self._part, self._size, self.digest = part, size, hashlib.sha256()
        self.offset = 0

    def write(self, data: memoryview) -> int:
        """Write all of `data`; returns its bytes. Raises RetryableError: the stream is longer than the file."""
        if self._size is not None and self.offset + len(data) > self._size:
            raise RetryableError(f"more than the file's {self._size} bytes", resolve=True)
        self._part.write(self.offset, data)
        self.digest.update(data)
        self.offset += len(data)
        return len(data)
