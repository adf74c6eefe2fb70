"""A: whether a GPU is visible, without asking the driver."""

from __future__ import annotations

import glob
import os


def gpu_visible() -> bool:
    """Whether a GPU has a device file (NVIDIA, AMD's ROCm, WSL) and the environment does not hide it."""
    nvidia = len(glob.glob("/dev/nvidia[0-9]*"))
    if nvidia or os.path.exists("/dev/dxg"):
        return shows_a_gpu(os.environ.get("CUDA_VISIBLE_DEVICES"), nvidia)
    return os.path.exists("/dev/kfd") and shows_a_gpu(os.environ.get("HIP_VISIBLE_DEVICES"), 0)


def shows_a_gpu(visible: str | None, count: int) -> bool:
    """Whether CUDA_VISIBLE_DEVICES leaves a GPU: what it lists up to the first that does not exist counts (CUDA's
    programming guide, "CUDA environment variables"); words such as NoDevFiles are none.

    Args:
        visible: The variable's value; None: all are visible.
        count: How many GPUs there are; 0: not known.
    """
    if visible is None:
        return True
    first = visible.split(",")[0].strip()
    if first.isdigit():
        return not count or int(first[:9]) < count
    return first.startswith(("GPU-", "MIG-"))
