"""How many threads a program should start, from the container's limits."""

from pathlib import Path

import pytest

from entrypoint.system.cgroup import cpu_limit, folders, limits
from entrypoint.system.thread_limits import Limits, cores_allowed, few_tasks, thread_variables

V1_BOTH = "8:pids:/pod\n3:cpu,cpuacct:/pod\n0::/\n"
V1_ALONE = "8:pids:/pod\n2:cpuacct:/pod\n1:cpu:/pod\n"


@pytest.mark.parametrize(
    ("found", "environ", "threads"),
    [
        (Limits(64), {}, ""),
        (Limits(64, 64.0), {}, ""),
        (Limits(64, 128.0), {}, ""),
        (Limits(64, 8.0), {}, "8"),
        (Limits(64, 7.65), {}, "7"),
        (Limits(64, 0.5), {}, "1"),
        (Limits(1, 0.5), {}, ""),
        (Limits(64, None, 4096), {}, ""),
        (Limits(64, None, 1024), {}, "16"),
        (Limits(64, 8.0, 256), {}, "4"),
        (Limits(64, 8.0, 20), {}, "1"),
        (Limits(64, 8.0), {"OMP_NUM_THREADS": "32"}, ""),
        (Limits(64, 8.0), {"MKL_NUM_THREADS": "32"}, ""),
        (Limits(64, 8.0), {"OMP_NUM_THREADS": ""}, "8"),
    ],
)
def test_threads_are_capped_where_the_container_allows_less_than_the_machine_shows(
    found: Limits, environ: dict[str, str], threads: str
) -> None:
    expected = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads} if threads else {}
    assert thread_variables(found, environ) == expected


@pytest.mark.parametrize(("tasks", "low"), [(None, False), (512, False), (511, True), (100, True)])
def test_few_processes_and_threads_are_a_condition_with_a_remedy(tasks: int | None, low: bool) -> None:
    found = few_tasks(Limits(8, None, tasks))
    assert [condition.name for condition in found] == ["ThreadLimitLow"] * low
    assert all(f"may have {tasks} processes" in each.reason and "--pids-limit" in each.remedy for each in found)


@pytest.mark.parametrize(
    ("quota", "period", "cores"),
    [("150000", "100000", 1.5), ("max", "100000", None), ("-1", "100000", None), ("", "", None), ("1", "0", None)],
)
def test_cores_allowed(quota: str, period: str, cores: float | None) -> None:
    assert cores_allowed(quota, period) == cores


@pytest.mark.parametrize(
    ("membership", "files", "cores", "tasks"),
    [
        ("0::/", {"cpu.max": "800000 100000\n", "pids.max": "256\n"}, 8.0, 256),
        ("0::/", {"cpu.max": "max 100000\n", "pids.max": "max\n"}, None, None),
        ("0::/pod", {"pod/cpu.max": "150000 100000\n", "pod/pids.max": "9\n"}, 1.5, 9),
        ("0::/elsewhere", {"cpu.max": "200000 100000\n", "pids.max": "9\n"}, 2.0, 9),
        (V1_BOTH, {"cpu,cpuacct/pod/cpu.cfs_quota_us": "400000", "cpu,cpuacct/pod/cpu.cfs_period_us": "100000",
                   "pids/pod/pids.max": "7"}, 4.0, 7),
        (V1_BOTH, {"cpu/pod/cpu.cfs_quota_us": "400000", "cpu/pod/cpu.cfs_period_us": "100000"}, 4.0, None),
        (V1_ALONE, {"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000", "pids/pids.max": "7"},
         4.0, 7),
        (V1_ALONE, {"cpu/pod/cpu.cfs_quota_us": "-1", "cpu/pod/cpu.cfs_period_us": "100000"}, None, None),
        ("", {}, None, None),
    ],
)  # fmt: skip
def test_limits_are_those_of_the_own_cgroup(
    membership: str, files: dict[str, str], cores: float | None, tasks: int | None, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "me").write_text(membership)
    mount, me = str(tmp_path), str(tmp_path / "me")
    assert cpu_limit(mount, me) == cores
    assert limits(mount, me)[1:] == (cores, tasks)


def test_no_folder_without_a_cgroup() -> None:
    assert folders("pids", "/m", "") == []
