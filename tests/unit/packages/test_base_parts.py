"""Which torch the variant thin fetches for a host."""

from __future__ import annotations

import pytest

from entrypoint.packages.base_parts import progress, torch_for

ALL = frozenset({"cu128", "cu130", "cpu"})
LINE = "NVRM version: NVIDIA UNIX {}x86_64 Kernel Module  {}  Mon Nov 2 01:00:00 UTC 2026\nGCC version: gcc 12.2.0\n"


@pytest.mark.parametrize(
    ("driver", "wanted", "locks", "chosen"),
    [
        (LINE.format("", "580.159.04"), "", ALL, "cu130"),
        (LINE.format("Open ", "570.86.10"), "", ALL, "cu128"),
        (LINE.format("", "600.10"), "", frozenset({"cu128"}), "cu128"),
        ("", "", ALL, "cpu"),
        ("", "", frozenset({"cu128"}), "cu128"),
        (LINE.format("", "535.1"), "cu130", ALL, "cu130"),
        ("nonsense 580.1", "", ALL, "cu128"),
    ],
)
def test_the_torch_fits_the_driver(driver: str, wanted: str, locks: frozenset[str], chosen: str) -> None:
    assert torch_for(driver, wanted, locks) == chosen


def test_the_progress_names_the_part() -> None:
    text = progress("torch", 3, 2_140_000_000, archives=False)
    assert text == "ComfyUI's environment arrives from the package index: part 3 of 5, torch; 2.1 GB so far"
    assert "from the volume: all parts" in progress("", 0, 0, archives=True)
