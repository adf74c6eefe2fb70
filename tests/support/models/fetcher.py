"""Downloads in this process: fast limits, one folder, one origin."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from entrypoint.models.download.connections import ConnectionPool
from entrypoint.models.download.queue import DownloadQueue
from entrypoint.models.download.rate_limit import RateLimit
from entrypoint.models.download.remote_file import Session
from entrypoint.models.progress import Transfer
from entrypoint.models.sources.huggingface import HuggingFace
from entrypoint.models.sources.model_file import File
from entrypoint.models.sources.registry import SOURCES, Sources
from entrypoint.models.sources.tokens import Tokens
from entrypoint.models.store import ModelStore
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.limits import Limits
from tests.support.models.origin import Origin

FAST = Limits(
    chunk=64 << 10, span=64 << 10, first_connections=4, connections=4, step=16 << 10, attempts=4, first_wait=0.01,
    longest_wait=0.05, longest_retry_after=3.0, connect_timeout=2.0, stall_timeout=0.6, slowest=4096,
    lease_renewal=0.2, lease_timeout=2.0, busy_wait=0.1,
)  # fmt: skip


@dataclass
class Scene:
    """Where files go, and the lines of the log. `sites`: sources that replace those of the registry."""

    root: Path
    origin: Origin
    limits: Limits = FAST
    tokens: Tokens = field(default_factory=Tokens)
    sites: Sources = ()
    logged: list[str] = field(default_factory=list)

    @property
    def store(self) -> ModelStore:
        return ModelStore(str(self.root / "comfyui"), str(self.root / "comfyui/.podkeeper"))

    @property
    def sources(self) -> Sources:
        """The registry's, with the hub at the origin."""
        mine = {each.name: each for each in (HuggingFace(self.origin.hub_url), *self.sites)}
        return tuple(mine.get(each.name, each) for each in SOURCES)

    def installed(self, file: File) -> Path:
        """Where the file is, once it is installed."""
        return Path(self.store.path(file))

    def download(self, *files: File, timeout: float = 60) -> list[Transfer]:
        """Run to the end; a hang is a failure of the test."""
        return asyncio.run(asyncio.wait_for(self._download(*files), timeout))

    async def _download(self, *files: File) -> list[Transfer]:
        transfers = [Transfer(file) for file in files]
        async with self.session() as session:
            queue = DownloadQueue(session, self.store, transfers, self.logged.append)
            await queue.survey()
            await queue.run(files)
            return transfers

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """What the downloads share."""
        async with HttpClient(self.limits) as client:
            pool = ConnectionPool(self.limits.first_connections, self.limits.connections)
            yield Session(client, self.sources, self.tokens, self.limits, RateLimit(0, None), pool)

    def staged(self) -> list[str]:
        folder = Path(self.store.kept, "staging")
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def hub_file(name: str = "m.bin", *, sha256: str = "", size: int | None = None) -> File:
    keys = {"repo_id": "o/r", "path": name}
    return File(bundle="B", source="huggingface", dest=f"loras/{name}", keys=keys, sha256=sha256, size=size)


def plain_file(origin: Origin, name: str = "m.bin", *, sha256: str = "") -> File:
    keys = {"url": f"{origin.hub_url}/plain/{name}"}
    return File(bundle="B", source="url", dest=f"loras/{name}", keys=keys, sha256=sha256)
