"""A: the container's own disk, which models go to first (MODELS_CACHE=local): what has room there, what makes room.

A store of its own (`ModelStore.local`): ComfyUI finds its files in an extra_model_paths.yaml (comfyui/model_paths.py).
A file counts as installed while it is there alone; once it is on the volume, too, it is a copy that may be dropped, the
oldest first. Nothing that is not verified on the volume is ever dropped.
"""

from __future__ import annotations

import contextlib
import os
import threading

from entrypoint.models.catalogue.fit import margin
from entrypoint.models.disk import free_space
from entrypoint.models.placing import existing
from entrypoint.models.sources.model_file import File
from entrypoint.models.store import ModelStore
from entrypoint.volumes.layout import LOCAL_MODEL_FOLDERS


class LocalDisk:
    """The room on the local disk, shared by the downloads of a run."""

    def __init__(self, store: ModelStore) -> None:
        """`store`: the volume's."""
        self._store, self.store = store, store.local
        self._admitted: dict[File, int] = {}
        self._one_at_a_time = threading.Lock()

    def admit(self, file: File, size: int) -> bool:
        """Whether a file of `size` bytes may go to the local disk; its room is kept until `done`."""
        if self.store is None or not size or not _is_found_there(file):
            return False
        with self._one_at_a_time:
            try:
                os.makedirs(self.store.data, exist_ok=True)
                lacking = self._lacking(self.store, file, size)
                if lacking > 0 and self._droppable(self.store) >= lacking:
                    self._drop(self.store, lacking)
                    lacking = self._lacking(self.store, file, size)
            except OSError:
                return False
            if lacking <= 0:
                self._admitted[file] = size
            return lacking <= 0

    def done(self, file: File) -> None:
        """The download has ended; what it has written is no longer free."""
        self._admitted.pop(file, None)

    def sweep(self) -> None:
        """Drop the copies of files that were removed from the volume, or replaced there."""
        for file, found in list(self.store.receipts()) if self.store else ():
            if found.get("on_volume") and self.store and not self._is_copy(self.store, file):
                drop(self.store, file)

    def _lacking(self, store: ModelStore, file: File, size: int) -> int:
        """Bytes that are missing on the disk, beside what the other downloads still write."""
        free, total = free_space(existing(store.data))
        others = sum(max(each - store.staged_bytes(other), 0) for other, each in self._admitted.items())
        return size - store.staged_bytes(file) + others + margin(total) - free

    def _copies(self, store: ModelStore) -> list[tuple[int, int, File]]:
        """(time of the download, size, file) of each copy that the volume has, verified; the oldest first."""
        found = []
        for file, facts in store.receipts():
            size, fetched = facts.get("size"), facts.get("fetched_ns")
            if facts.get("on_volume") and isinstance(size, int) and self._is_copy(store, file):
                found.append((fetched if isinstance(fetched, int) else 0, size, file))
        return sorted(found, key=lambda each: each[0])

    def _droppable(self, store: ModelStore) -> int:
        return sum(size for _, size, _ in self._copies(store))

    def _drop(self, store: ModelStore, least: int) -> None:
        for _, size, file in self._copies(store):
            if least <= 0:
                break
            drop(store, file)
            least -= size

    def _is_copy(self, store: ModelStore, file: File) -> bool:
        """Whether the volume has the file, verified, and the copy is of just that one."""
        local, volume = store.receipt(file), self._store.receipt(file)
        keys = ("size", "mtime_ns", "sha256")
        return bool(volume) and [local.get(key) for key in keys] == [volume.get(key) for key in keys]


def not_on_volume(local: ModelStore | None) -> list[tuple[File, dict[str, object]]]:
    """(file, receipt) of each file that the local disk alone has. `local`: its store."""
    if local is None:
        return []
    found = [(file, facts) for file, facts in local.receipts() if not facts.get("on_volume")]
    return [(file, facts) for file, facts in found if local.receipt(file)]


def why_unused(store: ModelStore) -> str:
    """Why the local disk that the user wants is not used, or "". `store`: the volume's."""
    if not store.cache:
        return ""
    if store.local is None:
        return "MODELS_CACHE=local changes nothing: the models are on the container's own disk in any case"
    try:
        os.makedirs(store.cache, exist_ok=True)
    except OSError as error:
        return f"MODELS_CACHE=local changes nothing: cannot make {store.cache}: {error.strerror}"
    writable = os.access(store.cache, os.W_OK)
    return "" if writable else f"MODELS_CACHE=local changes nothing: {store.cache} is not writable"


def drop(store: ModelStore, file: File) -> None:
    """Remove a copy from the local disk. A ComfyUI that has it open keeps reading it."""
    for path in (store.path(file), store.receipt_path(file)):
        with contextlib.suppress(OSError):
            os.unlink(path)


def _is_found_there(file: File) -> bool:
    """Whether ComfyUI finds the file below an additional folder for models."""
    return file.dest_root == "models" and file.dest.partition("/")[0] in LOCAL_MODEL_FOLDERS and "/" in file.dest
