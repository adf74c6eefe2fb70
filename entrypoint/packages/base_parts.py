"""P: the parts of ComfyUI's environment in the image's variant `thin`, which fetches it at the pod's first start."""

from __future__ import annotations

import re

#: The parts, in the order in which pip installs them (image/split_lock).
PARTS = ("cuda-1", "cuda-2", "torch", "packages", "comfyui")
#: What people call them.
TITLES = {
    "cuda-1": "CUDA", "cuda-2": "CUDA", "torch": "torch", "packages": "Python packages", "comfyui": "ComfyUI's own",
}  # fmt: skip
#: The oldest driver of CUDA 13 (NVIDIA's CUDA Toolkit release notes, the table of drivers).
_CUDA_13 = 580
_VERSION = re.compile(r"Kernel Module[^0-9]{1,40}(\d{3,4})\.\d")


def torch_for(driver: str, wanted: str, locks: frozenset[str]) -> str:
    """The name of the lock for this host: `cu130` for a driver that can, else `cu128`; `cpu` without a driver.

    Args:
        driver: /proc/driver/nvidia/version; "" without a driver.
        wanted: The user's choice (`TORCH`); "": none.
        locks: The names of the locks in the image; what is chosen is one of them, `cu128` where there is no better one.
    """
    if wanted in locks:
        return wanted
    found = _VERSION.search(driver)
    chosen = "cpu" if not driver else "cu130" if found and int(found[1]) >= _CUDA_13 else "cu128"
    return chosen if chosen in locks else "cu128"


def progress(part: str, number: int, written: int, *, archives: bool) -> str:
    """One line for people; `written`: bytes on the local disk so far."""
    source = "from the volume" if archives else "from the package index"
    where = f"part {number} of {len(PARTS)}, {TITLES[part]}" if part else "all parts"
    return f"ComfyUI's environment arrives {source}: {where}; {written / 1e9:.1f} GB so far"
