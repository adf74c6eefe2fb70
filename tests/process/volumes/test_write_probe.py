"""The write probe on healthy and on faulty volumes, and the conditions that follow."""

import contextlib
import errno
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoint.settings.users import Identity
from entrypoint.system.bounded_process import collect, launch
from entrypoint.system.privileges import own_identity, powers
from entrypoint.volumes.diagnosis import conditions
from entrypoint.volumes.write_probe import PREFIX, finish, probe, start, sweep
from tests.support.file_systems import (
    Misbehaving,
    let_others_through,
    misbehaving,
    mounted,
    needs_fuse,
    needs_mount,
    needs_root,
)
from tests.support.waiting import wait_until


def names(folder: Path, service: Identity | None = None) -> list[str]:
    seen = probe(str(folder), service or own_identity(), powers(), 20)
    return [condition.name for condition in conditions(str(folder), seen)]


def test_a_healthy_volume_has_no_condition_and_nothing_left_on_it(tmp_path: Path) -> None:
    seen = probe(str(tmp_path), own_identity(), powers())
    assert seen.ok
    assert conditions(str(tmp_path), seen) == ()
    assert os.listdir(tmp_path) == []


def test_a_missing_folder(tmp_path: Path) -> None:
    assert names(tmp_path / "nowhere") == ["VolumeMissing"]
    (tmp_path / "file").write_text("")
    assert names(tmp_path / "file") == ["VolumeMissing"]


@needs_mount
def test_read_only(tmp_path: Path) -> None:
    with mounted("-t", "tmpfs", "-o", "ro", "tmpfs", at=tmp_path / "volume") as volume:
        assert names(volume) == ["VolumeReadOnly"]


@needs_mount
def test_full(tmp_path: Path) -> None:
    with mounted("-t", "tmpfs", "-o", "size=64k", "tmpfs", at=tmp_path / "volume") as volume:
        with contextlib.suppress(OSError), (volume / "big").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        assert names(volume) == ["VolumeFull"]


@needs_mount
def test_out_of_inodes(tmp_path: Path) -> None:
    with mounted("-t", "tmpfs", "-o", "nr_inodes=4", "tmpfs", at=tmp_path / "volume") as volume:
        with contextlib.suppress(OSError):
            for number in range(9):
                (volume / str(number)).write_text("")
        seen = probe(str(volume), own_identity(), powers())
        (condition,) = conditions(str(volume), seen)
        assert (condition.name, "inodes" in condition.reason) == ("VolumeFull", True)


@needs_mount
def test_noexec(tmp_path: Path) -> None:
    with mounted("-t", "tmpfs", "-o", "noexec", "tmpfs", at=tmp_path / "volume") as volume:
        assert names(volume) == ["VolumeNoExec"]


@needs_root
def test_a_folder_of_another_user(tmp_path: Path) -> None:
    let_others_through(tmp_path)
    volume = tmp_path / "volume"
    volume.mkdir(mode=0o755)
    assert names(volume, Identity(1000, 1000)) == ["VolumeNotWritable"]
    volume.chmod(0o777)
    assert names(volume, Identity(1000, 1000)) == []


@pytest.fixture
def volume(passthrough: Path, tmp_path: Path) -> Iterator[Misbehaving]:
    (tmp_path / "source").mkdir()
    with misbehaving(passthrough, tmp_path / "source", tmp_path / "volume") as mount:
        yield mount


@needs_fuse
@pytest.mark.parametrize(
    ("switch", "value", "expected"),
    [
        ("CREATE", errno.EDQUOT, ["VolumeQuota"]),
        ("WRITE", errno.EDQUOT, ["VolumeQuota"]),
        ("CREATE", errno.ENOSPC, ["VolumeQuota"]),  # df shows room
        ("CREATE", errno.EROFS, ["VolumeReadOnly"]),
        ("CREATE", errno.EACCES, ["VolumeRootSquash"]),
        ("CHOWN", errno.EPERM, ["VolumeRootSquash"]),
        ("SQUASH", 1, ["VolumeRootSquash"]),
        ("CHMOD", errno.EPERM, ["VolumeModesIgnored"]),
        ("IGNORE_MODES", 1, ["VolumeModesIgnored"]),
        ("FAIL", errno.ESTALE, ["VolumeStale"]),
        ("WRITE", errno.EIO, ["VolumeError"]),
    ],
)
def test_network_volumes_that_refuse(volume: Misbehaving, switch: str, value: int, expected: list[str]) -> None:
    volume.set(getattr(volume, switch), value)
    assert names(volume.folder) == expected
    volume.set(getattr(volume, switch), 0)
    # the kernel may cache the server's response for a second
    wait_until(lambda: names(volume.folder) == [], 10, "the volume is healthy again")


@needs_fuse
def test_a_volume_whose_server_died(volume: Misbehaving) -> None:
    volume.process.kill()
    volume.process.wait()
    assert names(volume.folder) == ["VolumeStale"]


@needs_fuse
def test_a_volume_that_does_not_respond_costs_the_timeout_and_no_more(volume: Misbehaving) -> None:
    volume.set(volume.HANG, 1)
    began = time.monotonic()
    seen = probe(str(volume.folder), own_identity(), powers(), 0.5)
    assert time.monotonic() - began < 5
    assert [each.name for each in conditions(str(volume.folder), seen)] == ["VolumeHung"]


@needs_fuse
def test_the_boot_continues_during_a_write_probe(volume: Misbehaving) -> None:
    """And a stuck child is reaped once its system call returns."""
    volume.set(volume.HANG, 1)
    began = time.monotonic()
    running = start(str(volume.folder), own_identity(), powers())
    assert time.monotonic() - began < 5
    volume.set(volume.HANG, 0)
    assert finish(running, 20).ok
    with pytest.raises(ChildProcessError):
        os.waitpid(running.child.pid, os.WNOHANG)


def test_files_of_interrupted_probes_are_swept_and_no_others(tmp_path: Path) -> None:
    for name in (PREFIX + "old", ".podkeeper-canary-old", PREFIX + "new", "model.bin"):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (1000, 1000 if name != PREFIX + "new" else 9000))
    (tmp_path / (PREFIX + "folder")).mkdir()
    os.utime(tmp_path / (PREFIX + "folder"), (1000, 1000))
    assert sweep(str(tmp_path), 9001.0) == 3
    assert sorted(os.listdir(tmp_path)) == [PREFIX + "new", "model.bin"]


@needs_mount
@pytest.mark.parametrize(("inodes", "fill"), [(64, 1), (2048, 1 << 20)], ids=["inodes", "blocks"])
def test_a_full_ext4(tmp_path: Path, inodes: int, fill: int) -> None:
    """A real disk file system: blocks run out at write, inodes at create."""
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(8 << 20)
    try:
        subprocess.run(["mkfs.ext4", "-q", "-N", str(inodes), str(image)], check=True, capture_output=True)
        mounting = mounted("-o", "loop", str(image), at=tmp_path / "volume")
        with mounting as volume:
            for size in (fill, 1, 4096):
                with contextlib.suppress(OSError):
                    for number in range(3000):
                        (volume / f"{size}-{number}").write_bytes(bytes(size))
            assert names(volume) == ["VolumeFull"]
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("needs mkfs.ext4 and loop devices")


def test_a_child_that_dies_is_reported() -> None:
    assert collect(launch(lambda: os._exit(3)), 10) == {"error": "DIED"}


def test_the_caller_keeps_its_umask_and_its_identity(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        probe(str(tmp_path), own_identity(), powers())
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(mask)
