"""The canary on volumes that are well and on volumes that are not, and what it makes of them."""

import contextlib
import errno
import os
import subprocess
import time

import pytest

from entrypoint.settings.users import Identity
from entrypoint.system.bounded_process import collect, launch
from entrypoint.system.privileges import own_identity, powers
from entrypoint.volumes.diagnosis import conditions
from entrypoint.volumes.write_probe import PREFIX, land, probe, start, sweep
from tests.support.file_systems import (
    let_others_through,
    misbehaving,
    mounted,
    needs_fuse,
    needs_mount,
    needs_root,
)
from tests.support.waiting import wait_until


def names(folder, service=None):
    seen = probe(str(folder), service or own_identity(), powers(), 20)
    return [condition.name for condition in conditions(str(folder), seen)]


def test_a_healthy_volume_has_no_condition_and_nothing_left_on_it(tmp_path):
    seen = probe(str(tmp_path), own_identity(), powers())
    assert seen.ok
    assert conditions(str(tmp_path), seen) == ()
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there(tmp_path):
    assert names(tmp_path / "nowhere") == ["VolumeMissing"]
    (tmp_path / "file").write_text("")
    assert names(tmp_path / "file") == ["VolumeMissing"]


@needs_mount
def test_read_only(tmp_path):
    with mounted("-t", "tmpfs", "-o", "ro", "tmpfs", at=tmp_path / "volume") as volume:
        assert names(volume) == ["VolumeReadOnly"]


@needs_mount
def test_full(tmp_path):
    with mounted("-t", "tmpfs", "-o", "size=64k", "tmpfs", at=tmp_path / "volume") as volume:
        with contextlib.suppress(OSError), (volume / "big").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        assert names(volume) == ["VolumeFull"]


@needs_mount
def test_out_of_inodes(tmp_path):
    with mounted("-t", "tmpfs", "-o", "nr_inodes=4", "tmpfs", at=tmp_path / "volume") as volume:
        with contextlib.suppress(OSError):
            for number in range(9):
                (volume / str(number)).write_text("")
        seen = probe(str(volume), own_identity(), powers())
        (condition,) = conditions(str(volume), seen)
        assert (condition.name, "inodes" in condition.reason) == ("VolumeFull", True)


@needs_mount
def test_noexec(tmp_path):
    with mounted("-t", "tmpfs", "-o", "noexec", "tmpfs", at=tmp_path / "volume") as volume:
        assert names(volume) == ["VolumeNoExec"]


@needs_root
def test_a_folder_of_somebody_elses(tmp_path):
    let_others_through(tmp_path)
    volume = tmp_path / "volume"
    volume.mkdir(mode=0o755)
    assert names(volume, Identity(1000, 1000)) == ["VolumeNotWritable"]
    volume.chmod(0o777)
    assert names(volume, Identity(1000, 1000)) == []


@pytest.fixture
def volume(passthrough, tmp_path):
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
def test_network_volumes_that_refuse(volume, switch, value, expected):
    volume.set(getattr(volume, switch), value)
    assert names(volume.folder) == expected
    volume.set(getattr(volume, switch), 0)
    # the kernel may still hold what the server answered a second ago
    wait_until(lambda: names(volume.folder) == [], 10, "the volume is well again")


@needs_fuse
def test_a_volume_whose_server_died(volume):
    volume.process.kill()
    volume.process.wait()
    assert names(volume.folder) == ["VolumeStale"]


@needs_fuse
def test_a_volume_that_does_not_answer_costs_the_time_allowed_and_no_more(volume):
    volume.set(volume.HANG, 1)
    began = time.monotonic()
    seen = probe(str(volume.folder), own_identity(), powers(), 0.5)
    assert time.monotonic() - began < 5
    assert [each.name for each in conditions(str(volume.folder), seen)] == ["VolumeHung"]


@needs_fuse
def test_the_start_goes_on_while_the_canary_flies(volume):
    """And a stuck child is reaped once the volume lets it go."""
    volume.set(volume.HANG, 1)
    began = time.monotonic()
    flight = start(str(volume.folder), own_identity(), powers())
    assert time.monotonic() - began < 5
    volume.set(volume.HANG, 0)
    assert land(flight, 20).ok
    with pytest.raises(ChildProcessError):
        os.waitpid(flight.child.pid, os.WNOHANG)


def test_what_a_lost_canary_left_is_swept_and_nothing_else(tmp_path):
    for name in (PREFIX + "old", PREFIX + "new", "model.bin"):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (1000, 1000 if name != PREFIX + "new" else 9000))
    (tmp_path / (PREFIX + "folder")).mkdir()
    os.utime(tmp_path / (PREFIX + "folder"), (1000, 1000))
    assert sweep(str(tmp_path), 9001.0) == 2
    assert sorted(os.listdir(tmp_path)) == [PREFIX + "new", "model.bin"]


@needs_mount
@pytest.mark.parametrize(("inodes", "fill"), [(64, 1), (2048, 1 << 20)], ids=["inodes", "blocks"])
def test_a_full_ext4(tmp_path, inodes, fill):
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


def test_a_child_that_dies_is_told():
    assert collect(launch(lambda: os._exit(3)), 10) == {"error": "DIED"}


def test_the_caller_keeps_its_umask_and_its_identity(tmp_path):
    mask = os.umask(0o027)
    try:
        probe(str(tmp_path), own_identity(), powers())
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(mask)
