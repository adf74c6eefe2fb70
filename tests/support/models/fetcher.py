"""A delivery in this process: fast limits, one folder, one origin."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from entrypoint.models.catalogue.manifest import File
from entrypoint.models.download.connections import Crew
from entrypoint.models.download.queue import Delivery
from entrypoint.models.download.rate_limit import Throttle
from entrypoint.models.download.remote_file import Line
from entrypoint.models.progress import Transfer
from entrypoint.models.sources.registry import Tokens
from entrypoint.models.store import Shelf
from entrypoint.models.transport.client import Wire
from entrypoint.models.transport.retry import Limits
from tests.support.models.origin import Origin

FAST = Limits(
    chunk=64 << 10, span=64 << 10, first_connections=4, connections=4, step=16 << 10, attempts=4, first_wait=0.01,
    longest_wait=0.05, longest_asked=3.0, connect_timeout=2.0, stall_timeout=0.6, slowest=4096, lease_beat=0.2,
    lease_timeout=2.0, busy_wait=0.1,
)  # fmt: skip


@dataclass
class Scene:
    """Where things go and what was said."""

    root: Path
    origin: Origin
    limits: Limits = FAST
    tokens: Tokens = field(default_factory=Tokens)
    said: list[str] = field(default_factory=list)

    @property
    def shelf(self) -> Shelf:
        return Shelf(str(self.root / "comfyui"), str(self.root / "comfyui/.podkeeper"))

    def place(self, file: File) -> Path:
        return Path(self.shelf.target(file))

    def deliver(self, *files: File, timeout: float = 60) -> list[Transfer]:
        """Run to the end; a hang is a failure of the test."""
        return asyncio.run(asyncio.wait_for(self.delivery(*files), timeout))

    async def delivery(self, *files: File) -> list[Transfer]:
        transfers = [Transfer(file) for file in files]
        async with Wire(self.limits) as wire:
            crew = Crew(self.limits.first_connections, self.limits.connections)
            line = Line(wire, self.tokens, self.origin.hub_url, self.limits, Throttle(0, None), crew)
            delivery = Delivery(line, self.shelf, transfers, self.said.append)
            await delivery.look()
            return await delivery.run(tuple({file.bundle for file in files}))

    def staged(self) -> list[str]:
        folder = Path(self.shelf.kept, "staging")
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def hub_file(name: str = "m.safetensors", **more: object) -> File:
    return File(
        bundle="B", source="huggingface", dest=f"loras/{name}", repo_id="o/r", path=name, **more  # type: ignore[arg-type]
    )  # fmt: skip


def plain_file(origin: Origin, name: str = "m.safetensors", **more: object) -> File:
    return File(bundle="B", source="url", dest=f"loras/{name}", url=f"{origin.hub_url}/plain/{name}", **more)  # type: ignore[arg-type]
