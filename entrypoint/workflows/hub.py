"""A: the fetcher for the files of a workflow: sizes, asked concurrently, and the downloads.

A workflow is no manifest of the user's: its addresses, unlike those, never reach a private network by being named.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from entrypoint.models.download.queue import DownloadQueue
from entrypoint.models.errors import DownloadError
from entrypoint.models.progress import WAITING, Transfer
from entrypoint.models.report import Notes
from entrypoint.models.session import session_of
from entrypoint.models.sources.registry import Sources, configured
from entrypoint.models.store import ModelStore
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.limits import Limits
from entrypoint.models.transport.private_networks import host_of
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings

#: A person waits at a terminal: the limits of a plan, and the seconds that all sizes may take.
BRIEF = Limits(attempts=2, longest_wait=1.0, longest_retry_after=5.0, connect_timeout=8.0, stall_timeout=8.0)
_SIZES_S = 20


class WorkflowClient(HttpClient):
    """A client for addresses of a workflow: hosts of the settings alone (HF_ENDPOINT) may be on private networks."""

    def __init__(self, limits: Limits, sources: Sources) -> None:
        super().__init__(limits)
        self._trusted = {host_of(address) for each in sources for address in (each.home, each.api) if address}

    def allow(self, *addresses: str) -> None:
        """Let requests reach those of these addresses that the settings have."""
        super().allow(*(address for address in addresses if host_of(address) in self._trusted))


@contextlib.asynccontextmanager
async def queue_of(
    settings: Settings, paths: Paths, transfers: list[Transfer], notes: Notes, limits: Limits
) -> AsyncIterator[DownloadQueue]:
    """The queue of these files."""
    async with WorkflowClient(limits, configured(settings)) as client:
        session = session_of(settings, paths, client, limits, notes.add)
        yield DownloadQueue(session, ModelStore.of(paths), transfers, notes.add)


async def ask_sizes(settings: Settings, paths: Paths, transfers: Sequence[Transfer]) -> None:
    """Learn the sizes; a file whose source does not respond is FAILED, for now.

    Raises VolumeFailed: the volume refuses.
    """
    if not transfers:
        return
    async with queue_of(settings, paths, list(transfers), Notes(), BRIEF) as queue:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SIZES_S):
                await queue.survey()
    for each in transfers:
        if each.state == WAITING and not each.size and each.last:
            each.fail(DownloadError("NotAsked", each.last, "check the pod's network", temporary=True))
