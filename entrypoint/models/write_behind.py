"""A: copies models from the container's own disk to the volume, behind their use (MODELS_CACHE=local).

One file at a time, beside the downloads: read, written under a name of its own, synced, hashed from the volume again,
moved into place; then the receipts. A kill at any moment leaves the local file as it was, and the next run starts the
copy anew. What the volume refuses goes on being used from the local disk, and is a condition.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType

from entrypoint.conditions.condition import Condition
from entrypoint.models.catalogue.fit import margin
from entrypoint.models.disk import disk_work, free_space
from entrypoint.models.download import lease
from entrypoint.models.errors import DiskError, DownloadError, VolumeFailed
from entrypoint.models.file_copy import copy, hash_on_disk, in_thread
from entrypoint.models.local_disk import LocalDisk, drop, not_on_volume
from entrypoint.models.same_bytes import staged_name
from entrypoint.models.sources.model_file import File
from entrypoint.models.store import ModelStore, sha256_of
from entrypoint.models.transport.limits import Limits
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.files import open_regular, remove
from entrypoint.system.units import gigabytes

NAME = "ModelsNotOnVolume"
_LOOK_EVERY_S = 1.0
#: Seconds without a written byte after which the volume is reported; the copy goes on.
_STALL_S = 60.0


class WriteBehind:
    """Runs beside the downloads: `async with`, and `finish` at their end."""

    def __init__(self, store: ModelStore, limits: Limits, runtime: str, log: Callable[[str], None]) -> None:
        self._store, self._limits, self._runtime, self._log = store, limits, runtime, log
        self._local = store.local  # asked once: it looks at the volume
        self._failed: dict[str, DownloadError] = {}
        self._written, self._moved = 0, 0.0
        self._ending = asyncio.Event()

    async def __aenter__(self) -> WriteBehind:
        LocalDisk(self._store).sweep()
        self._copying = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._copying.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._copying

    @property
    def problems(self) -> tuple[str, ...]:
        """A line for each file that could not be copied."""
        failed = self._failed.items()
        return tuple(f"models: {dest} is not on the volume: {error}; {error.remedy}" for dest, error in failed)

    def left(self) -> int:
        """Bytes that the local disk alone has."""
        sizes = [facts.get("size") for _, facts in not_on_volume(self._local)]
        return max(sum(size for size in sizes if isinstance(size, int)) - self._written, 0)

    async def finish(self) -> None:
        """Return when everything is on the volume, or was refused."""
        if left := self.left():
            self._log(f"models: {gigabytes(left)} are used from the local disk and still copied to the volume")
        self._ending.set()
        await asyncio.shield(self._copying)
        if not not_on_volume(self._local):
            clear_condition(self._runtime, NAME)

    async def _run(self) -> None:
        while True:
            waiting = [each for each in not_on_volume(self._local) if each[0].dest not in self._failed]
            if not waiting and self._ending.is_set():
                return
            copied = False
            for file, facts in waiting:
                try:
                    copied = await self._copy(self._local or self._store, file, facts) or copied
                except DownloadError as error:  # of the volume, or another pod has taken over
                    self._report(file, error)
                except OSError as error:  # of the local disk
                    self._report(file, DiskError("LocalDiskRefuses", str(error), "see: podkeeper logs models"))
            if waiting and not copied:  # another pod copies it
                await asyncio.sleep(_LOOK_EVERY_S)
            elif not waiting:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._ending.wait(), _LOOK_EVERY_S)

    def _report(self, file: File, error: DownloadError) -> None:
        self._failed[file.dest] = error
        self._log(self.problems[-1])
        self._raise(f"{file.dest} cannot be copied to the volume: {error}", error.remedy)

    def _raise(self, reason: str, remedy: str) -> None:
        kept = "ComfyUI uses it from the container's own disk, and it is lost with this container"
        with contextlib.suppress(OSError):
            raise_condition(self._runtime, Condition(NAME, f"{reason}; {kept}", remedy))

    async def _copy(self, local: ModelStore, file: File, facts: dict[str, object]) -> bool:
        """Copy one file; False: another pod copies it. Raises DiskError: the volume refuses."""
        if not self._store.receipt(file):
            folder = self._store.staging_folder(file)
            with disk_work(f"write to {folder}"):
                held = lease.acquire(folder, self._limits.lease_timeout)
            if held is None:
                return False
            try:
                async with held.renewed(self._limits.lease_renewal):
                    await self._install(local, file, facts, staged_name(folder, held.owner))
            finally:
                self._written = 0
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
        self._note(local, file, facts)
        return True

    async def _install(self, local: ModelStore, file: File, facts: dict[str, object], staged: str) -> None:
        volume, size = self._store, int(str(facts["size"]))
        volume.prepare(file)
        source, verified = facts.get("source"), bool(facts.get("verified"))
        if await in_thread(lambda _: _is_there(volume, file, size)):
            volume.write_receipt(file, file.sha256, verified, fetched=False, source=source)
            return
        free, total = free_space(volume.disk_of_models())
        if free - margin(total) < size:
            reason = f"it has {gigabytes(size)}, and {gigabytes(free)} are free on the volume"
            raise VolumeFailed("VolumeFull", reason, "free space on the volume or enlarge it", temporary=True)
        began = time.monotonic()
        try:
            await self._watched(lambda stopped: self._write(local, file, staged, stopped))
            aside = volume.install(file, staged)
        finally:
            with contextlib.suppress(OSError):
                remove(staged)
        volume.write_receipt(file, file.sha256, verified, fetched=True, source=source, etag=facts.get("etag", ""))
        rate = size / max(time.monotonic() - began, 0.001) / 1e6
        self._log(f"models: {file.dest} is on the volume, verified there ({gigabytes(size)}, {rate:.0f} MB/s)")
        if aside:
            self._log(f"models: {file.dest} was another file; it is kept as {os.path.basename(aside)}")

    def _write(self, local: ModelStore, file: File, staged: str, stopped: threading.Event) -> None:
        """The copy under its own name, compared with the hash. Raises DiskError."""

        def progress(count: int) -> None:
            self._written += count
            self._moved = time.monotonic()

        with open_regular(local.path(file)) as source, disk_work(f"write to {os.path.dirname(staged)}"):
            digest = copy(source, staged, stopped, progress)
        if digest != file.sha256:
            drop(local, file)
            raise DiskError("LocalCopyDamaged", "the local disk has damaged it", "nothing: it is downloaded again")
        with disk_work(f"read {staged}"), open_regular(staged) as written:
            if hash_on_disk(written, stopped) != file.sha256:
                raise DiskError("VolumeDamages", "the volume has not kept what was written", "check the volume")

    async def _watched(self, work: Callable[[threading.Event], None]) -> None:
        self._moved = time.monotonic()
        running = asyncio.ensure_future(in_thread(work))
        try:
            while not (await asyncio.wait([running], timeout=_LOOK_EVERY_S))[0]:
                if time.monotonic() - self._moved > _STALL_S:
                    self._raise("the volume has taken nothing for a minute", "check the volume: podkeeper doctor")
        finally:
            if not running.done():
                running.cancel()
                await asyncio.wait([running])
        running.result()

    def _note(self, local: ModelStore, file: File, facts: dict[str, object]) -> None:
        """Record that the local file is a copy now: it is the volume's while their sizes and times are the same."""
        kept = self._store.receipt(file)
        at = kept.get("mtime_ns")
        if isinstance(at, int):
            os.utime(local.path(file), ns=(at, at))
        more = {key: facts[key] for key in ("source", "etag", "fetched_ns") if key in facts}
        local.write_receipt(file, file.sha256, bool(facts.get("verified")), fetched=True, on_volume=True, **more)


def _is_there(volume: ModelStore, file: File, size: int) -> bool:
    """Whether the volume has the file without a receipt: another pod's, the user's, or of a run that was killed."""
    path = volume.path(file)
    return os.path.isfile(path) and os.path.getsize(path) == size and sha256_of(path) == file.sha256
