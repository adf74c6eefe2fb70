"""P: what a build of torch asks of the driver and of the GPU's architecture."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple


class DriverFloor(NamedTuple):
    """Linux drivers that a CUDA version needs.

    Attributes:
        runs: The oldest driver that starts programs of this CUDA ("minor version compatibility": one for each major).
        full: The driver that this CUDA came with. An older one compiles no PTX of this CUDA: code for a GPU that is
            newer than the build, and what is compiled on the pod, may fail.
    """

    runs: str
    full: str


#: CUDA version -> drivers. NVIDIA, "CUDA Toolkit Release Notes", section "CUDA Driver": the tables "CUDA Toolkit and
#: Minimum Required Driver Version for CUDA Minor Version Compatibility" and "CUDA Toolkit and Corresponding Driver
#: Versions" (the GA release of each, Linux x86_64). https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/
FLOORS = {
    "11.8": DriverFloor("450.80.02", "520.61.05"),
    "12.1": DriverFloor("525.60.13", "530.30.02"),
    "12.4": DriverFloor("525.60.13", "550.54.14"),
    "12.6": DriverFloor("525.60.13", "560.28.03"),
    "12.8": DriverFloor("525.60.13", "570.26"),
    "12.9": DriverFloor("525.60.13", "575.51.03"),
    "13.0": DriverFloor("580.65.06", "580.65.06"),
}
#: The builds of torch for which there can be an image, oldest first.
_IMAGES = ("12.6", "12.8", "12.9", "13.0")


def numbers(version: str) -> tuple[int, ...]:
    """`570.86.10` as (570, 86, 10); () where it has no number."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:4])


def floor_of(cuda: str) -> DriverFloor | None:
    """The drivers that this CUDA needs: its own row, else that of the newest CUDA before it with the same major.

    None: the table has no CUDA of this major.
    """
    wanted = numbers(cuda)[:2]
    older = [name for name in FLOORS if wanted and numbers(name) <= wanted and numbers(name)[0] == wanted[0]]
    return FLOORS[max(older, key=numbers)] if older else None


def is_older(driver: str, floor: str) -> bool:
    """Whether the driver is older than the floor; False where its version is unknown."""
    return bool(numbers(driver)) and numbers(driver) < numbers(floor)


def newest_cuda_for(driver: str) -> str:
    """The newest CUDA for which an image can be made that this driver runs in full; "": none, or an unknown driver."""
    fitting = [cuda for cuda in _IMAGES if numbers(driver) and not is_older(driver, FLOORS[cuda].full)]
    return fitting[-1] if fitting else ""


def other_host_or_image(cuda: str, driver: str) -> str:
    """The remedy for a driver that is too old for torch's CUDA."""
    floor = floor_of(cuda)
    newer = f"deploy on a host with driver {floor.full} or newer" if floor else "deploy on another host"
    filtered = f"{newer} (RunPod: filter by CUDA {cuda} or newer)"
    fitting = newest_cuda_for(driver)
    if not fitting or numbers(fitting) >= numbers(cuda)[:2]:
        return filtered
    return f"{filtered}, or use an image for CUDA {fitting} (tag cu{fitting.replace('.', '')}), which fits this driver"


def supports(capability: tuple[int, int], archs: Iterable[str]) -> bool:
    """Whether a build has code for this GPU.

    Args:
        capability: The GPU's compute capability.
        archs: torch.cuda.get_arch_list(): `sm_86` is machine code, for this major at the same or a later minor;
            `compute_90` is PTX, for that capability and every later one. A name that ends with `a` is for that
            capability alone, one with `f` for its family: the major (CUDA C++ Programming Guide, "Application
            Compatibility").
    """
    return any(_runs_on(capability, arch) for arch in archs)


def _runs_on(capability: tuple[int, int], arch: str) -> bool:
    found = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", arch)
    if not found:
        return False
    kind, built, alone = found[1], (int(found[2]), int(found[3])), found[4]
    if alone == "a":
        return capability == built
    if kind == "sm" or alone:
        return capability[0] == built[0] and capability >= built
    return capability >= built
