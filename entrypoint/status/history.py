"""P: the last hour in numbers, for the page's charts."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from entrypoint.status.schema import Cpu, Disk, Gpu, Memory

#: Seconds between two samples, and how many are kept.
EVERY, KEPT = 6.0, 600


class Sample(NamedTuple):
    """One moment. Percent and bytes; GPUs and disks in the snapshot's order."""

    at: float
    cpu: float | None
    memory: int
    gpu: tuple[float | None, ...]
    vram: tuple[int | None, ...]
    disk: tuple[int, ...]


def sample(at: float, cpu: Cpu, memory: Memory, gpus: tuple[Gpu, ...], disks: tuple[Disk, ...]) -> Sample:
    """What of a look is kept."""
    return Sample(
        round(at, 1),
        cpu.used_percent,
        memory.used_bytes,
        tuple(gpu.used_percent for gpu in gpus),
        tuple(gpu.memory_used_bytes for gpu in gpus),
        tuple(disk.used_bytes for disk in disks),
    )


class History:
    """A ring of samples."""

    def __init__(self, kept: int = KEPT) -> None:
        self._samples: deque[Sample] = deque(maxlen=kept)

    def add(self, sample: Sample) -> None:
        self._samples.append(sample)

    def since(self, at: float) -> list[Any]:
        """The samples after `at` (seconds since 1970), oldest first, as JSON has them."""
        return [list(each) for each in self._samples if each.at > at]
