"""A delivery in this process: fast limits, one folder, one origin."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from entrypoint.models.crew import Crew
from entrypoint.models.delivery import Delivery
from entrypoint.models.manifest import File
from entrypoint.models.patience import Limits
from entrypoint.models.progress import Transfer
from entrypoint.models.shelf import Shelf
from entrypoint.models.source import Line
from entrypoint.models.sources import Tokens
from entrypoint.models.throttle import Throttle
from entrypoint.models.wire import Wire
from tests.models.origin import Origin

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
