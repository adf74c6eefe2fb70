"""A volume that is mounted where the pod does not look for one."""

from __future__ import annotations

import pytest

from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from entrypoint.volumes import elsewhere
from entrypoint.volumes.elsewhere import condition_of, other_volumes

SYSTEM = [
    "/", "/proc", "/sys", "/dev", "/dev/shm", "/etc/resolv.conf", "/etc/hosts", "/run", "/run/secrets/token", "/tmp",
    "/usr/bin/nvidia-smi", "/usr/lib/x86_64-linux-gnu/libcuda.so.1", "/var/log", "/root/.jupyter", "/config.toml",
]  # fmt: skip


def paths_with(*mounts: str) -> Paths:
    facts = Facts(mounts=frozenset(mounts), uid=0, temporary="/tmp", python="/python")
    return locate(Settings(), facts)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder is a disk: the tests' own machine has none at /data."""
    monkeypatch.setattr(elsewhere, "_is_disk", lambda path: True)


@pytest.mark.parametrize("place", ["/data", "/mnt/volume", "/storage", "/media/disk"])
def test_a_volume_at_data_is_named(place: str, large: None) -> None:
    found = other_volumes(paths_with("/"), [*SYSTEM, place])
    assert place in found
    assert f"{place} is mounted" in condition_of([place]).reason


def test_what_a_system_mounts_is_none() -> None:
    assert other_volumes(paths_with("/"), SYSTEM) == []


def test_with_a_volume_of_its_own_the_pod_looks_for_no_other(large: None) -> None:
    assert other_volumes(paths_with("/", "/workspace"), ["/data"]) == []
    assert other_volumes(paths_with("/", "/comfyui"), ["/data"]) == []


def test_a_small_or_closed_mount_is_none(tmp_path: object) -> None:
    assert elsewhere._is_disk("/dev/shm") in (True, False)
    assert other_volumes(paths_with("/"), ["/dev"]) == []
