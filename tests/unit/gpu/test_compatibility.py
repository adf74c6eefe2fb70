"""What a build of torch asks of the driver and of the GPU."""

import pytest

from entrypoint.gpu.compatibility import floor_of, is_older, newest_cuda_for, other_host_or_image, supports

ARCHS_128 = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]


@pytest.mark.parametrize(
    ("cuda", "runs", "full"),
    [
        ("12.8", "525.60.13", "570.26"), ("12.7", "525.60.13", "560.28.03"), ("13.0", "580.65.06", "580.65.06"),
        ("13.2", "580.65.06", "580.65.06"), ("12.8.1", "525.60.13", "570.26"),
    ],
)  # fmt: skip
def test_the_floor_is_that_of_the_newest_cuda_before(cuda: str, runs: str, full: str) -> None:
    assert floor_of(cuda) == (runs, full)


@pytest.mark.parametrize("cuda", ["", "x", "10.2", "14.0"])
def test_an_unknown_cuda_has_no_floor(cuda: str) -> None:
    assert floor_of(cuda) is None


@pytest.mark.parametrize(
    ("driver", "floor", "older"),
    [
        ("570.26", "570.26", False), ("570.25.99", "570.26", True), ("570.133.20", "570.26", False),
        ("", "570.26", False), ("9.0", "570.26", True),
    ],
)  # fmt: skip
def test_drivers_are_compared_by_their_numbers(driver: str, floor: str, older: bool) -> None:
    assert is_older(driver, floor) is older


@pytest.mark.parametrize(
    ("driver", "cuda"),
    [("580.65.06", "13.0"), ("575.57.08", "12.9"), ("570.86.10", "12.8"), ("560.35.03", "12.6"), ("550.54.14", ""),
     ("", "")],
)  # fmt: skip
def test_the_newest_cuda_that_fits_a_driver(driver: str, cuda: str) -> None:
    assert newest_cuda_for(driver) == cuda


def test_the_remedy_names_a_host_and_the_image_that_fits() -> None:
    assert other_host_or_image("13.0", "570.133.20") == (
        "deploy on a host with driver 580.65.06 or newer (RunPod: filter by CUDA 13.0 or newer), or use an image for "
        "CUDA 12.8 (tag cu128), which fits this driver"
    )
    assert "image" not in other_host_or_image("12.8", "535.54.03")


@pytest.mark.parametrize(
    ("capability", "archs", "has_code"),
    [
        ((8, 9), ARCHS_128, True),  # sm_86's code: the same major, an earlier minor
        ((9, 0), ARCHS_128, True),
        ((12, 0), ARCHS_128, True),
        ((12, 0), ["sm_80", "sm_90"], False),  # an RTX 5090 with a torch before CUDA 12.8
        ((12, 0), ["sm_90", "compute_90"], True),  # PTX is compiled by the driver
        ((7, 0), ARCHS_128, False),
        ((6, 1), ARCHS_128, False),
        ((8, 0), ["sm_86"], False),  # a later minor's code
        ((9, 0), ["sm_90a"], True),
        ((10, 3), ["sm_100a"], False),
        ((10, 3), ["sm_100f"], True),
        ((12, 0), ["sm_100f"], False),
        ((9, 0), ["gfx90a", "", "sm_x"], False),
    ],
)
def test_a_gpu_needs_code_for_its_architecture(capability: tuple[int, int], archs: list[str], has_code: bool) -> None:
    assert supports(capability, archs) is has_code
