"""What keeping ComfyUI's queue costs: a POST of a workflow with and without the journal, and a start that puts a queue
back. In the tests' stand-in, whose queue is ComfyUI's.

usage: scripts/bench kept_queue [FOLDER]        FOLDER: on the disk to measure; else a temporary one
"""

from __future__ import annotations

import pathlib
import statistics
import sys
import tempfile
import time
from typing import Any

from tests.support.running_queue import QueueComfyUI, saving
from tests.support.waiting import wait_until

#: Bytes of a workflow -> how many are posted.
SIZES = {10_000: 1000, 1_000_000: 50, 10_000_000: 10}


def workflow(size: int) -> dict[str, Any]:
    """A workflow with texts of this size in all."""
    return saving("x", 600) | {
        f"{n}": {"class_type": "Work", "inputs": {"seconds": 0, "text": "word " * (size // 500)}} for n in range(3, 103)
    }


def measure(folder: pathlib.Path, size: int, mode: str) -> tuple[float, float]:
    """Median and longest ms of a POST, after the first, which runs."""
    comfyui = QueueComfyUI(folder / f"run-{size}-{mode}", folder / f"data-{size}-{mode}", mode=mode)
    comfyui.start()
    try:
        graph, took = workflow(size), []
        for _ in range(SIZES[size] + 1):
            began = time.perf_counter()
            comfyui.queue(graph)
            took.append((time.perf_counter() - began) * 1000)
        if mode == "true":
            restart(comfyui, SIZES[size])
        return statistics.median(took[1:]), max(took[1:])
    finally:
        comfyui.kill()


def restart(comfyui: QueueComfyUI, number: int) -> None:
    """Print how long it takes until the whole queue is back."""
    comfyui.kill()
    comfyui.start()
    began = time.monotonic()
    wait_until(lambda: comfyui.report().get("restored", 0) > number, 120, "all are back")
    print(f"    {number} are back {time.monotonic() - began:.1f} s after ComfyUI responds")


def main(folder: pathlib.Path) -> None:
    """Print the table."""
    for size in SIZES:
        print(f"{size / 1e6:g} MB, {SIZES[size]} workflows")
        for mode in ("false", "true"):
            median, longest = measure(folder, size, mode)
            print(f"    QUEUE_RESTORE={mode}: POST takes {median:.1f} ms (median), {longest:.1f} ms (longest)")


if __name__ == "__main__":
    if sys.argv[1:]:
        main(pathlib.Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as name:
            main(pathlib.Path(name))
