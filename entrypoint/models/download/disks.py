"""A: the disks that the downloads of a run share: which one a file goes to first, and what is on them already."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace

from entrypoint.models.disk import disk_work
from entrypoint.models.download.lease import Lease
from entrypoint.models.download.part_file import PartFile
from entrypoint.models.download.resolve import Resolved
from entrypoint.models.local_disk import LocalDisk
from entrypoint.models.progress import Transfer
from entrypoint.models.same_bytes import SameBytes, staged_name
from entrypoint.models.store import ModelStore


class Disks:
    """`store`: the volume's; `local`: the container's own disk; `same`: what both have by SHA-256."""

    def __init__(self, store: ModelStore) -> None:
        """`store`: the volume's."""
        self.store, self.local, self.same = store, LocalDisk(store), SameBytes(store)

    def first(self, transfer: Transfer, resolved: Resolved) -> ModelStore | None:
        """The store of the local disk, where the file goes there first: not one that the volume has in part, or that
        one of the disks has under another name."""
        file = transfer.file
        if self.local.store is None or transfer.renew or self.store.staged_bytes(file):
            return None
        if next(self.same.candidates(file, resolved.sha256), None):
            return None
        return self.local.store if self.local.admit(file, resolved.size or 0) else None

    async def take(
        self, transfer: Transfer, resolved: Resolved, folder: str, held: Lease, log: Callable[[str], None]
    ) -> bool:
        """Install the file from another name, or from a cache of the Hugging Face hub, where the disks have it.

        `folder`: its staging folder; `held`: its lease. Raises DiskError: the volume refuses.
        """
        if not resolved.sha256:
            return False
        with disk_work(f"write to {folder}"):
            staged = staged_name(folder, held.owner)
            how = await self.same.take(transfer.file, resolved.sha256, resolved.size, staged)
            if not how:
                return False
            held.renew()
            size = os.stat(staged).st_size
            self.install(self.store, transfer, staged, resolved.sha256, resolved, log)
            PartFile.remove_all(folder)  # of a download that began before the other name was there
        transfer.installed(how, size)
        log(f"models: {transfer.file.dest} is {how} from this pod's disks, verified: nothing is downloaded")
        return True

    def install(
        self, store: ModelStore, transfer: Transfer, staged: str, digest: str, resolved: Resolved,
        log: Callable[[str], None],
    ) -> None:  # fmt: skip
        """Move a whole file into place, with its receipt. Raises DiskError: the disk refuses."""
        file = transfer.file
        aside = store.install(file, staged, replaces=self._replaces(store, transfer))
        more = {"etag": resolved.etag, "fetched_ns": time.time_ns()}
        store.write_receipt(file, digest, bool(resolved.sha256), fetched=True, **more)
        self.same.note(file, digest)
        if aside:
            log(f"models: {file.dest} was another file; it is kept as {os.path.basename(aside)}")

    def _replaces(self, store: ModelStore, transfer: Transfer) -> bool:
        """Whether what is installed is replaced: on the local disk always, else an older version that we fetched."""
        old = replace(transfer.file, sha256=transfer.renew)
        return store is not self.store or bool(transfer.renew and store.receipt(old).get("fetched"))
