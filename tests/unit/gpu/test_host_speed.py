"""What is said of the models' disk and of the network."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.gpu.host_speed import disk_finding, is_fresh, network_finding

FAST: dict[str, Any] = {"folder": "/v", "write": 210_000_000, "read": 1_500_000_000, "mapped": 9_400_000}


@pytest.mark.parametrize(
    ("disk", "state", "text"),
    [
        (FAST, "ok", "/v writes 210 MB/s, reads 1500 MB/s, 9.4 MB/s through mmap"),
        (FAST | {"mapped": None}, "ok", "/v writes 210 MB/s, reads 1500 MB/s, and its files cannot be mapped"),
        ({"error": "HUNG"}, "skipped", "/data was not measured: it did not end within 30 s"),
        ({"folder": "/v", "error": "ENOSPC"}, "skipped", "/v was not measured: less than 1 GiB is free"),
        ({"error": "EIO"}, "skipped", "/data was not measured: EIO"),
        ({"write": "x", "read": True}, "skipped", "/data was not measured: no figures"),
        ({}, "skipped", "/data was not measured: no figures"),
    ],
)
def test_the_disks_finding_has_its_figures_or_why_there_are_none(disk: dict[str, Any], state: str, text: str) -> None:
    found = disk_finding(disk, "/data")
    assert (found.check, found.state, found.text, found.condition) == ("disk", state, text, "")


@pytest.mark.parametrize(
    ("models", "texts"),
    [
        ({"fastest_bytes_per_second": 113_000_000}, ["models were downloaded at up to 113 MB/s"]),
        ({"fastest_bytes_per_second": 0}, []),
        ({"fastest_bytes_per_second": "many"}, []),
        ({}, []),
    ],
)
def test_the_networks_finding_is_what_the_downloads_have_measured(models: dict[str, Any], texts: list[str]) -> None:
    assert [each.text for each in network_finding(models)] == texts


@pytest.mark.parametrize(
    ("disk", "fresh"),
    [({"at": 1000}, True), ({"at": 400}, False), ({"at": 1001}, False), ({"at": "x"}, False), ({}, False)],
)
def test_a_measurement_is_used_for_ten_minutes(disk: dict[str, Any], fresh: bool) -> None:
    assert is_fresh(disk, 1000.0) is fresh
