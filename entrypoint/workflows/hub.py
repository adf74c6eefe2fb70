"""A: the fetcher for the files of a workflow: sizes, asked concurrently, and the downloads.

A workflow is no manifest of the user's: its addresses, unlike those, never reach a private network by being named.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence

from entrypoint.models.download.connections import ConnectionPool
from entrypoint.models.download.queue import DownloadQueue
from entrypoint.models.download.rate_limit import RateLimit
from entrypoint.models.download.remote_file import Session
from entrypoint.models.errors import DownloadError
from entrypoint.models.progress import WAITING, Transfer
from entrypoint.models.report import Notes
from entrypoint.models.sources.registry import Sources, configured
from entrypoint.models.sources.tokens import Tokens, logins
from entrypoint.models.store import ModelStore
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.limits import Limits
from entrypoint.models.transport.private_networks import host_of
from entrypoint.settings.hours import parse_hours
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
    sources = configured(settings)
    async with WorkflowClient(limits, sources) as client:
        tokens = Tokens.of(logins(paths, os.environ), sources)
        hours = parse_hours(settings.models_hours) if settings.models_hours else None
        rate_limit = RateLimit(settings.models_rate_limit * 1e6, hours, notes.add)
        pool = ConnectionPool(limits.first_connections, limits.connections)
        session = Session(client, sources, tokens, limits, rate_limit, pool)
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
