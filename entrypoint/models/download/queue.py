"""A: the download queue: a few files at once, by rank, the largest first; an unavailable one never stops the others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from entrypoint.models.download.disks import Disks
from entrypoint.models.download.one_file import OneFile
from entrypoint.models.download.remote_file import Session
from entrypoint.models.errors import DownloadError, VolumeFailed
from entrypoint.models.progress import BUSY, WAITING, Transfer
from entrypoint.models.sources.model_file import File
from entrypoint.models.store import ModelStore

_RESOLVED_AT_ONCE = 8


class DownloadQueue:
    """Downloads and installs files."""

    def __init__(
        self,
        session: Session,
        store: ModelStore,
        transfers: list[Transfer],
        log: Callable[[str], None],
        rank: Callable[[File], tuple[int, ...]] = lambda _: (),
    ) -> None:
        """`rank`: files of a lower one come first; asked before each file, since the user may change it meanwhile."""
        self._limits, self._store, self._rank = session.limits, store, rank
        disks = Disks(store)
        self._files = [OneFile(session, disks, each, log) for each in transfers]

    async def survey(self) -> None:
        """Learn which files are installed, and the sizes of the rest. Failures are recorded with their files.

        Raises VolumeFailed: the volume refuses.
        """
        missing = [each for each in self._files if not each.has_receipt()]
        gate = asyncio.Semaphore(_RESOLVED_AT_ONCE)

        async def learn(file: OneFile) -> None:
            async with gate, _recorded(file.transfer):
                await file.learn_size()

        await asyncio.gather(*(learn(each) for each in missing))

    async def run(self, files: tuple[File, ...]) -> None:
        """Download `files`; each transfer of theirs is INSTALLED or FAILED afterwards.

        A disk that refuses (it is full, read-only, gone) costs the files that go to it; finished files are kept.
        """
        mine = [each for each in self._files if each.transfer.file in files]
        queue = [each for each in mine if each.transfer.state == WAITING]
        later: list[OneFile] = []  # another pod has them
        refusals: dict[int, VolumeFailed] = {}

        async def worker() -> None:
            while queue or later:
                file = min(queue, key=self._order, default=None) or later[-1]
                (queue if file in queue else later).remove(file)
                disk = self._store.disk(file.transfer.file)
                if disk in refusals and not self._store.cache:
                    file.transfer.fail(refusals[disk])
                    continue
                try:
                    async with _recorded(file.transfer):
                        await file.run()
                except VolumeFailed as problem:
                    refusals[disk] = problem
                if file.transfer.state == BUSY:
                    await asyncio.sleep(self._limits.busy_wait)
                    later.insert(0, file)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._limits.files, len(queue))):
                group.create_task(worker())

    def _order(self, file: OneFile) -> tuple[tuple[int, ...], int]:
        return self._rank(file.transfer.file), -file.transfer.size


@contextlib.asynccontextmanager
async def _recorded(transfer: Transfer) -> AsyncIterator[None]:
    """Record the failure of one file with it; one of the whole volume is raised, too."""
    try:
        yield
    except DownloadError as error:
        transfer.fail(error)
        if isinstance(error, VolumeFailed):
            raise
    except Exception as error:  # a mistake of ours in one file must not cost the others
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        transfer.fail(DownloadError("Unexpected", reason, "report it with this line"))
