"""Processor and memory, from the kernel's files."""

import pytest

from entrypoint.status.meters import (
    machine_seconds,
    memory_of_machine,
    share,
    used_seconds,
)
from entrypoint.system.cgroup import Folder, cpu_folders

V1 = "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/x\n"


@pytest.mark.parametrize(
    ("membership", "first"),
    [
        (V1, Folder("/m/cpu,cpuacct/docker/abc", 1)),
        ("2:cpuacct:/\n1:cpu:/\n", Folder("/m/cpuacct", 1)),
        ("0::/\n", Folder("/m", 2)),
        ("0::/kubepods/pod1\n", Folder("/m/kubepods/pod1", 2)),
    ],
)
def test_the_first_candidate_folder_of_each_cgroup_version(membership: str, first: Folder) -> None:
    assert cpu_folders("/m", membership)[0] == first


def test_no_candidate_folder_without_a_cgroup() -> None:
    assert cpu_folders("/m", "") == []


@pytest.mark.parametrize(
    ("version", "text", "seconds"),
    [
        (1, "1500000000\n", 1.5),
        (1, "", None),
        (2, "usage_usec 2500000\nuser_usec 1\n", 2.5),
        (2, "", None),
    ],
)
def test_used(version: int, text: str, seconds: float | None) -> None:
    assert used_seconds(version, text) == seconds


def test_idle_and_waiting_for_io_is_not_work() -> None:
    assert machine_seconds("cpu  100 0 50 1000 500 0 25 25 0 0\ncpu0 1\n", 100) == 2.0


def test_memory() -> None:
    assert memory_of_machine("MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 400 kB\n") == (
        600 << 10,
        1000 << 10,
    )
    assert memory_of_machine("") == (0, 0)


@pytest.mark.parametrize(
    ("before", "after", "seconds", "cores", "percent"),
    [
        (0.0, 1.0, 1.0, 2.0, 50.0),
        (0.0, 9.0, 1.0, 2.0, 100.0),
        (5.0, 1.0, 1.0, 1.0, 0.0),
        (0.0, 1.0, 0.0, 2.0, None),
    ],
)
def test_share(before: float, after: float, seconds: float, cores: float, percent: float | None) -> None:
    assert share(before, after, seconds, cores) == percent
