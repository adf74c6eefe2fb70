"""A volume that is mounted where the pod does not look for one."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from entrypoint.volumes import elsewhere
from entrypoint.volumes.elsewhere import condition_of, other_volumes

SYSTEM = [
    "/", "/proc", "/sys", "/dev", "/dev/shm", "/etc/resolv.conf", "/etc/hosts", "/run", "/run/secrets/token", "/tmp",
    "/usr/bin/nvidia-smi", "/usr/lib/x86_64-linux-gnu/libcuda.so.1", "/var/log", "/root/.jupyter", "/config.toml",
]  # fmt: skip


def on_disk(*points: str) -> list[tuple[str, str]]:
    return [(point, "ext4") for point in points]


def paths_with(*mounts: str) -> Paths:
    facts = Facts(mounts=frozenset(mounts), uid=0, temporary="/tmp", python="/python")
    return locate(Settings(), facts)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder is a disk: the tests' own machine has none at /data."""
    monkeypatch.setattr(elsewhere, "_is_disk", lambda path: True)


@pytest.mark.parametrize("place", ["/data", "/mnt/volume", "/storage", "/media/disk"])
def test_a_volume_at_data_is_named(place: str, large: None) -> None:
    found = other_volumes(paths_with("/"), [*on_disk(*SYSTEM), (place, "ext4")])
    assert place in found
    assert f"{place} is mounted" in condition_of([place]).reason


def test_what_a_system_mounts_is_none() -> None:
    assert other_volumes(paths_with("/"), on_disk(*SYSTEM)) == []


def test_with_a_volume_of_its_own_the_pod_looks_for_no_other(large: None) -> None:
    assert other_volumes(paths_with("/", "/workspace"), on_disk("/data")) == []
    assert other_volumes(paths_with("/", "/comfyui"), on_disk("/data")) == []


def test_memory_is_no_volume_however_large(large: None) -> None:
    """`docker run --tmpfs /scratch`: half of the machine's memory, and empty at the next start."""
    assert other_volumes(paths_with("/"), [("/scratch", "tmpfs"), ("/layers", "overlay")]) == []
    assert other_volumes(paths_with("/"), [("/data", "ext4"), ("/data", "tmpfs")]) == []


def test_a_small_disk_or_a_file_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk(blocks: int) -> None:
        monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_blocks=blocks, f_frsize=4096))

    (tmp_path / "file").write_text("")
    disk(20_000_000_000 // 4096)
    assert elsewhere._is_disk(str(tmp_path))
    assert not elsewhere._is_disk(str(tmp_path / "file"))
    disk(1_000_000_000 // 4096)
    assert not elsewhere._is_disk(str(tmp_path))
