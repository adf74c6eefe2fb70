"""A snapshot of a made-up pod."""

from __future__ import annotations

from typing import Any

from entrypoint.status.schema import Cpu, Memory
from entrypoint.status.snapshot import Observations

NOW = 1_000_000.0


def observations(**changes: Any) -> Observations:
    basis: dict[str, Any] = {
        "at": NOW,
        "answers": {},
        "usage": {},
        "cpu": Cpu(used_percent=None, cores=2.0),
        "memory": Memory(used_bytes=1, limit_bytes=2, oom_kills=0),
    }
    return Observations(**(basis | changes))
