"""CUDA errors and crashed workers in ComfyUI's log."""

import pytest

from entrypoint.supervision.prober.comfyui_log import ComfyUILog

CUDA = ["!!! Exception during processing !!! CUDA error: an illegal memory access was encountered"]
FAILED = [
    "!!! Exception during processing !!! CUDA error: misaligned address",
    "Prompt executed in 0.10 seconds",
]
OTHER = ["!!! Exception during processing !!! list index out of range", "Prompt executed in 0.10 seconds"]
DONE = ["got prompt", "100%|####| 20/20", "Prompt executed in 12.31 seconds"]
OOM = [
    "!!! Exception during processing !!! CUDA out of memory. Tried to allocate",
    "Prompt executed in 1.00 seconds",
]
CRASH = ["Exception in thread Thread-3 (prompt_worker):", "Traceback (most recent call last):"]


@pytest.mark.parametrize(
    ("lines", "idle", "after", "kind"),
    [
        (FAILED, True, 31, "cuda"),
        (FAILED, True, 29, None),  # a next prompt may come
        (FAILED, False, 3600, None),  # busy: let it finish
        (FAILED * 3, False, 1, "cuda"),  # three in a row are proof
        (CUDA, True, 31, "cuda"),
        (FAILED + OTHER + OTHER, False, 1, "cuda"),  # other errors count as failures too
        (FAILED + DONE, True, 3600, None),
        (FAILED + FAILED + DONE + FAILED, False, 1, None),
        (FAILED + DONE + FAILED, True, 31, "cuda"),
        (OTHER * 9, True, 3600, None),
        (OOM * 9, True, 3600, None),  # ComfyUI frees memory and continues
        (DONE, True, 3600, None),
        (CRASH, False, 0, "worker"),
        (["Exception in thread Thread-9 (watcher):"], True, 3600, None),
        ([], True, 3600, None),
    ],
)
def test_logs(lines: list[str], idle: bool, after: float, kind: str | None) -> None:
    """Lines, the queue's state and the seconds since -> the kind of the kill, if any."""
    log = ComfyUILog()
    log.read(0, lines)
    reason = log.evaluate(after, idle)
    assert (reason.kind if reason else None) == kind


def test_the_reason_quotes_the_error() -> None:
    """The user can then search for it."""
    log = ComfyUILog()
    log.read(0, FAILED)
    reason = log.evaluate(100, True)
    assert reason is not None
    assert "CUDA error: misaligned address" in reason.text
