"""A: takes a file's bytes from the pod's own disks: one SHA-256 under two names is one file.

They come from another installed file, or from a cache of the Hugging Face hub (`hub_cache`). A copy that shares its
blocks comes first (reflink), then a hard link, then a copy; each is hashed before it is used, so that a damaged one is
not taken. Both names of a hard link stay apart: Podkeeper replaces a file by a new one and never writes into it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator

from entrypoint.models.file_copy import copy, hash_of, in_thread, reflink
from entrypoint.models.hub_cache import blobs
from entrypoint.models.sources.model_file import File
from entrypoint.models.store import SAME, ModelStore
from entrypoint.system.files import open_regular, remove

#: How a file was installed, for the record.
LINKED, COPIED = "linked", "copied"


class SameBytes:
    """What a store and its caches have by SHA-256; asked once for all downloads of a run."""

    def __init__(self, store: ModelStore) -> None:
        self._store, local = store, store.local
        self._stores = (store, local) if local else (store,)
        self._installed: dict[str, list[File]] | None = None
        self._locks: dict[str, asyncio.Lock] = {}
        self._reading = threading.Lock()

    def lock(self, sha256: str) -> contextlib.AbstractAsyncContextManager[None]:
        """Held by the download of one hash: a second file with that hash waits, and is linked then."""
        return self._locks.setdefault(sha256, asyncio.Lock()) if sha256 else contextlib.nullcontext()

    def note(self, file: File, sha256: str) -> None:
        """A file of this hash was installed."""
        if self._installed is not None:  # else its receipt will tell
            self._installed.setdefault(sha256, []).append(file)

    async def take(self, file: File, sha256: str, size: int | None, staged: str) -> str:
        """Make `staged`, a new file beside the destination, with the bytes of hash `sha256`.

        Returns:
            LINKED (also by a reflink) or COPIED; "" where no disk has these bytes.
        """
        return await in_thread(lambda stopped: self._take(file, sha256, size, staged, stopped))

    def on_its_disk(self, file: File, sha256: str, size: int | None) -> str:
        """A path that should have these bytes, on the disk that the file goes to; ""."""
        disk = self._store.disk(file)
        for path in self.candidates(file, sha256):
            with contextlib.suppress(OSError):
                found = os.lstat(path)
                if (found.st_dev, found.st_size) == (disk, size):
                    return path
        return ""

    def candidates(self, file: File, sha256: str) -> Iterator[str]:
        """The paths that should have these bytes."""
        if not sha256:
            return
        for other in self._by_hash().get(sha256, ()):
            if (other.dest_root, other.dest) != (file.dest_root, file.dest):
                yield from (each.path(other) for each in self._stores if each.receipt(other))
        yield from blobs(self._store.hub_caches, sha256, file.keys.get("repo_id", ""))

    def _by_hash(self) -> dict[str, list[File]]:
        with self._reading:  # several threads ask at once; a slow volume may take 50 ms for each receipt
            if self._installed is None:
                found: dict[str, list[File]] = {}
                for each, _ in self._store.receipts():
                    found.setdefault(each.sha256, []).append(each)
                self._installed = found
            return self._installed

    def _take(self, file: File, sha256: str, size: int | None, staged: str, stopped: threading.Event) -> str:
        for path in self.candidates(file, sha256):
            try:
                how = _stage(path, staged, sha256, size, stopped)
            except OSError:  # another user's, on a disk that is full, gone meanwhile: the next one, or the network
                how = ""
            except BaseException:
                remove(staged)
                raise
            if how:
                return how
            with contextlib.suppress(OSError):
                remove(staged)
        return ""


def staged_name(folder: str, owner: str) -> str:
    """A path in a staging folder for `take`; what a killed run has left there is removed.

    Never the name of a part file: the next download would write into the file that it is a link to.
    """
    for name in os.listdir(folder):
        if name.startswith(SAME):
            remove(f"{folder}/{name}")
    return f"{folder}/{SAME}{owner}"


def _stage(path: str, staged: str, sha256: str, size: int | None, stopped: threading.Event) -> str:
    with open_regular(path) as source:
        found = os.fstat(source.fileno())
        if size is not None and found.st_size != size:
            return ""
        if reflink(source, staged) or _link(path, staged, found):
            with open_regular(staged) as file:
                return LINKED if hash_of(file, stopped) == sha256 else ""
        return COPIED if copy(source, staged, stopped) == sha256 else ""


def _link(path: str, staged: str, opened: os.stat_result) -> bool:
    try:
        os.link(path, staged, follow_symlinks=False)
    except OSError:  # another disk; one without hard links; another user's file (fs.protected_hardlinks)
        return False
    linked = os.lstat(staged)
    if (linked.st_dev, linked.st_ino) == (opened.st_dev, opened.st_ino):
        return True
    os.unlink(staged)  # the name leads to another file by now
    return False
