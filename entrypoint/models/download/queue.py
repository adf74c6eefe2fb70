"""A: all wanted files: a few at once, the largest first; one bad file never stops the others."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from entrypoint.models.catalogue.manifest import Bundle
from entrypoint.models.download import lease
from entrypoint.models.download.one_file import Fetch
from entrypoint.models.download.part_file import disk_work
from entrypoint.models.download.remote_file import Line, Source
from entrypoint.models.progress import BUSY, FAILED, THERE, WAITING, Transfer
from entrypoint.models.store import Shelf, hash_of
from entrypoint.models.transport.response_rules import DiskTrouble, Failed

_RESOLVED_AT_ONCE = 8


class Delivery:
    """Brings every file of `transfers` to its place."""

    def __init__(self, line: Line, shelf: Shelf, transfers: list[Transfer], tell: Callable[[str], None]) -> None:
        self._line, self._shelf, self._transfers, self._tell = line, shelf, transfers, tell
        self._fetches = {id(each): Fetch(Source(line, each.file, each)) for each in transfers}

    async def look(self) -> None:
        """What is there by its receipt costs a stat; of the rest, learn the sizes. Failures are recorded."""
        for each in self._transfers:
            self._there_by_receipt(each)
        gate = asyncio.Semaphore(_RESOLVED_AT_ONCE)

        async def ask(transfer: Transfer) -> None:
            async with gate, self._failures_of(transfer):
                transfer.size = (await self._fetches[id(transfer)].source.resolve()).size or 0

        await asyncio.gather(*(ask(each) for each in self._transfers if each.state == WAITING))

    def needs(self, bundle: Bundle) -> int:
        """Bytes this bundle still needs on the disk; its own word where a size can't be learned."""
        mine = [each for each in self._transfers if each.file.bundle == bundle.name]
        missing = [each for each in mine if each.state != THERE]
        known = sum(max(each.size - self._shelf.staged(each.file), 0) for each in missing)
        if any(not each.size for each in missing):
            there = sum(each.size for each in mine if each.state == THERE)
            return max(known, int(bundle.size_gb * 1e9) - there)
        return known

    async def run(self, names: tuple[str, ...]) -> list[Transfer]:
        """Fetch the bundles called `names`; return their transfers, each THERE or FAILED.

        A volume that refuses ends everything: what is finished is kept.
        """
        mine = [each for each in self._transfers if each.file.bundle in names]
        queue = sorted((each for each in mine if each.state == WAITING), key=lambda each: each.size)

        async def worker() -> None:
            while queue:
                transfer = queue.pop()
                await self._one(transfer)
                if transfer.state == BUSY:
                    await asyncio.sleep(self._line.limits.busy_wait)
                    queue.insert(0, transfer)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._line.limits.files, len(queue))):
                    group.create_task(worker())
        except* DiskTrouble as troubles:
            trouble = troubles.exceptions[0]
            for each in mine:
                if each.state not in (THERE, FAILED) and isinstance(trouble, DiskTrouble):
                    each.fail(trouble)
        return mine

    async def _one(self, transfer: Transfer) -> None:
        async with self._failures_of(transfer):
            if self._there_by_receipt(transfer):
                return
            folder = self._shelf.staging(transfer.file)
            with disk_work(f"write to {folder}"):
                held = lease.take(folder, self._line.limits.lease_timeout)
            if held is None:
                transfer.state = BUSY
                return
            try:
                # The pod that held it a moment ago may have finished it.
                if not self._there_by_receipt(transfer):
                    await self._with_heartbeat(held, self._bring(transfer, folder, held))
            finally:
                held.release()
                with contextlib.suppress(OSError):
                    os.rmdir(folder)  # only an empty one goes

    async def _bring(self, transfer: Transfer, folder: str, held: lease.Lease) -> None:
        file, fetch = transfer.file, self._fetches[id(transfer)]
        resolved = await fetch.source.resolve()
        if await self._adopt(transfer, resolved.size, resolved.sha256):
            return
        part, digest = await fetch.run(folder, held)
        aside = await asyncio.to_thread(self._shelf.place, file, part.path)
        part.discard()
        self._shelf.write_receipt(file, digest, bool(resolved.sha256), fetched=True)
        transfer.arrived("fetched", transfer.there)
        if aside:
            self._tell(f"models: {file.dest} was another file; it is kept as {os.path.basename(aside)}")

    async def _adopt(self, transfer: Transfer, size: int | None, sha256: str) -> bool:
        """Whether a file that is there without a receipt is the right one: hashed once, then known."""
        target = self._shelf.target(transfer.file)
        try:
            there = os.stat(target).st_size
        except OSError:
            return False
        if (size is not None and there != size) or (size is None and not sha256):
            return False
        digest = await asyncio.to_thread(hash_of, target)
        if sha256 and digest != sha256:
            return False
        self._shelf.write_receipt(transfer.file, digest, bool(sha256), fetched=False)
        transfer.arrived("adopted", there)
        return True

    def _there_by_receipt(self, transfer: Transfer) -> bool:
        found = self._shelf.receipt(transfer.file)
        if found:
            transfer.arrived("receipt", int(str(found["size"])))
        return bool(found)

    async def _with_heartbeat(self, held: lease.Lease, work: Coroutine[Any, Any, None]) -> None:
        async def beats() -> None:
            while True:
                await asyncio.sleep(self._line.limits.lease_beat)
                held.beat()

        try:
            async with asyncio.TaskGroup() as group:
                beating = group.create_task(beats())
                await work
                beating.cancel()
        except BaseExceptionGroup as problems:
            raise problems.exceptions[0] from None

    @contextlib.asynccontextmanager
    async def _failures_of(self, transfer: Transfer) -> AsyncIterator[None]:
        """A failure of one file is recorded with it; one of the volume ends everything."""
        try:
            yield
        except Failed as failed:
            transfer.fail(failed)
            if isinstance(failed, DiskTrouble):
                raise
        except Exception as error:  # a mistake of ours in one file must not cost the others
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            transfer.fail(Failed("Unexpected", reason, "report it with this line"))
