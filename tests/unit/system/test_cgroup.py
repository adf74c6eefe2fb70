"""The memory controller's files: where they are, and their values."""

from pathlib import Path

import pytest

from entrypoint.system.cgroup import V1, V2, MemoryCgroup, candidates, field, find

V1_LINES = "9:name=systemd:/\n4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/system.slice\n"
NAMED = "1:name=systemd:/x\n0::/a\n"


@pytest.mark.parametrize(
    ("membership", "expected"),
    [
        (V1_LINES, [("/m/memory/docker/abc", V1), ("/m/memory", V1), ("/m/system.slice", V2), ("/m", V2)]),
        ("0::/\n", [("/m", V2), ("/m", V2)]),
        (NAMED, [("/m/a", V2), ("/m", V2)]),
        ("5:cpu:/a:b\n", []),
        ("", []),
    ],
)
def test_candidates(membership: str, expected: list[tuple[str, object]]) -> None:
    """Version 1 before version 2; the full path before the mount's root."""
    assert candidates("/m", membership) == expected


def tree(folder: Path, files: dict[str, str]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return str(folder)


def test_version_1(tmp_path: Path) -> None:
    """Counts, limit, and use without droppable cache."""
    folder = tree(
        tmp_path / "memory" / "pod",
        {
            "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
            "memory.limit_in_bytes": "1000\n",
            "memory.usage_in_bytes": "900\n",
            "memory.stat": "inactive_file 1\ntotal_inactive_file 300\n",
        },
    )
    (tmp_path / "me").write_text("4:memory:/pod\n")
    group = find(str(tmp_path), str(tmp_path / "me"))
    assert group == MemoryCgroup(folder, V1)
    assert (group.oom_kills(), group.limit(), group.used()) == (3, 1000, 600)


def test_version_2_in_a_container(tmp_path: Path) -> None:
    """The path of the host is not there; the mount's root is our own cgroup."""
    tree(
        tmp_path,
        {
            "memory.events": "low 0\noom 1\noom_kill 2\noom_group_kill 0\n",
            "memory.max": "max\n",
            "memory.current": "900\n",
            "memory.stat": "inactive_file 100\n",
        },
    )
    (tmp_path / "me").write_text("0::/../../kubepods/pod1\n")
    group = find(str(tmp_path), str(tmp_path / "me"))
    assert group is not None
    assert (group.oom_kills(), group.limit(), group.used()) == (2, None, 800)


def test_no_limit_in_version_1(tmp_path: Path) -> None:
    """Version 1 says "no limit" with a huge number."""
    folder = tree(tmp_path, {"memory.limit_in_bytes": "9223372036854771712\n"})
    assert MemoryCgroup(folder, V1).limit() is None


def test_without_a_memory_controller_nothing_is_known(tmp_path: Path) -> None:
    """No cgroups mounted, or no /proc: nothing is known, nothing fails."""
    (tmp_path / "me").write_text("0::/\n")
    assert find(str(tmp_path / "none"), str(tmp_path / "me")) is None
    assert find(str(tmp_path), str(tmp_path / "missing")) is None
    assert MemoryCgroup(str(tmp_path), V2).oom_kills() == 0


def test_field_does_not_take_a_longer_name() -> None:
    """`oom` is not `oom_kill`."""
    assert field("oom_kill 3\noom 1\n", "oom") == 1
