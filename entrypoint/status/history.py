"""P: the last hour's samples, for the page's charts."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from entrypoint.status.schema import Cpu, Disk, Gpu, Memory

#: Seconds between two samples, and how many are kept.
INTERVAL, KEPT = 6.0, 600


class Sample(NamedTuple):
    """The figures of one moment: percent and bytes; GPUs and disks in the snapshot's order."""

    at: float
    cpu: float | None
    memory: int
    gpu: tuple[float | None, ...]
    vram: tuple[int | None, ...]
    disk: tuple[int, ...]


def make_sample(at: float, cpu: Cpu, memory: Memory, gpus: tuple[Gpu, ...], disks: tuple[Disk, ...]) -> Sample:
    """The sample of these figures."""
    busy, vram = tuple(gpu.used_percent for gpu in gpus), tuple(gpu.memory_used_bytes for gpu in gpus)
    disk_use = tuple(disk.used_bytes for disk in disks)
    return Sample(round(at, 1), cpu.used_percent, memory.used_bytes, busy, vram, disk_use)


class History:
    """A ring buffer of samples."""

    def __init__(self, kept: int = KEPT) -> None:
        self._samples: deque[Sample] = deque(maxlen=kept)

    def add(self, sample: Sample) -> None:
        """Append a sample; the oldest one is dropped when the buffer is full."""
        self._samples.append(sample)

    def since(self, at: float) -> list[Any]:
        """The samples after `at` (seconds since 1970), oldest first, as lists for JSON."""
        return [list(each) for each in self._samples if each.at > at]
