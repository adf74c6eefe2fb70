"""A: what all downloads of a run share, as the settings and the pod's logins have it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable

from entrypoint.models.download.connections import ConnectionPool
from entrypoint.models.download.rate_limit import RateLimit
from entrypoint.models.download.remote_file import Session
from entrypoint.models.sources.registry import configured
from entrypoint.models.sources.tokens import Tokens, logins
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.limits import Limits
from entrypoint.settings.hours import parse_hours
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings


def session_of(
    settings: Settings, paths: Paths, client: HttpClient, limits: Limits, log: Callable[[str], None]
) -> Session:
    """The session of a run. `log`: receives a line where the downloads wait for their hours."""
    sources = configured(settings)
    tokens = Tokens.of(logins(paths, os.environ), sources)
    hours = parse_hours(settings.models_hours) if settings.models_hours else None
    rate_limit = RateLimit(settings.models_rate_limit * 1e6, hours, log)
    return Session(
        client, sources, tokens, limits, rate_limit, ConnectionPool(limits.first_connections, limits.connections)
    )


@contextlib.asynccontextmanager
async def session(
    settings: Settings, paths: Paths, limits: Limits, log: Callable[[str], None]
) -> AsyncIterator[Session]:
    """The session of a run, with a client of its own."""
    async with HttpClient(limits) as client:
        yield session_of(settings, paths, client, limits, log)
