"""Real file systems that refuse: full, over quota, read-only. Nothing is lost, and with space it resumes."""

from __future__ import annotations

import errno
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from entrypoint.models import disk
from entrypoint.models.progress import INSTALLED
from tests.support.file_systems import (
    Misbehaving,
    build_passthrough,
    misbehaving,
    mounted,
    needs_fuse,
    needs_mount,
)
from tests.support.models.fetcher import Scene, hub_file
from tests.support.models.origin import Origin
from tests.support.models.pod import Pod

SMALL, LARGE = random.Random(1).randbytes(300_000), random.Random(2).randbytes(3_000_000)


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as started:
        started.put("small.bin", SMALL)
        started.put("large.bin", LARGE)
        yield started


def download(scene: Scene) -> str:
    """Both files; the failure of the large one, or "". The small one is always there, and only whole files are."""
    small, large = scene.download(hub_file("small.bin"), hub_file("large.bin"))
    assert small.state == INSTALLED
    assert scene.installed(small.file).read_bytes() == SMALL
    if large.state == INSTALLED:
        assert scene.installed(large.file).read_bytes() == LARGE
        assert scene.staged() == []
        return ""
    assert not scene.installed(large.file).exists()
    assert large.problem
    return large.problem[0]


@needs_mount
def test_a_full_volume(tmp_path: Path, origin: Origin) -> None:
    """ENOSPC of a real tmpfs; enlarged, the download resumes."""
    (tmp_path / "v").mkdir()
    with mounted("-t", "tmpfs", "-o", "size=2m", "tmpfs", at=tmp_path / "v") as volume:
        scene = Scene(volume, origin)
        scene.download(hub_file("small.bin"))
        assert download(scene) == "VolumeFull"
        before = origin.sent
        subprocess.run(["mount", "-o", "remount,size=8m", str(volume)], check=True)
        assert download(scene) == ""
        assert origin.sent - before < len(LARGE) - 500_000


@needs_mount
def test_a_read_only_volume(tmp_path: Path, origin: Origin) -> None:
    (tmp_path / "v").mkdir()
    with mounted("-t", "tmpfs", "-o", "size=8m", "tmpfs", at=tmp_path / "v") as volume:
        scene = Scene(volume, origin)
        scene.download(hub_file("small.bin"))
        subprocess.run(["mount", "-o", "remount,ro", str(volume)], check=True)
        assert download(scene) == "VolumeReadOnly"
        subprocess.run(["mount", "-o", "remount,rw", str(volume)], check=True)
        assert download(scene) == ""


@needs_fuse
@pytest.mark.parametrize(
    ("number", "name"),
    [(errno.EDQUOT, "VolumeFull"), (errno.EIO, "VolumeRefuses"), (errno.ESTALE, "VolumeRefuses")],
)
def test_a_network_volume_that_refuses_in_the_middle(tmp_path: Path, origin: Origin, number: int, name: str) -> None:
    """A quota that df does not show, through a real (FUSE) file system."""
    (tmp_path / "source").mkdir()
    with misbehaving(build_passthrough(tmp_path), tmp_path / "source", tmp_path / "v") as mount:
        scene = Scene(mount.folder, origin)
        scene.download(hub_file("small.bin"))

        async def refuse(origin: Origin, request: web.Request, before: int) -> None:
            if len(origin.requests("cdn")) > first + 15:
                mount.set(Misbehaving.WRITE, number)

        first = len(origin.requests("cdn"))
        origin.cdn_fault = refuse
        assert download(scene) == name
        origin.cdn_fault = None
        mount.set(Misbehaving.WRITE, 0)
        assert download(scene) == ""


def test_free_space_of_a_folder_that_does_not_exist_yet(tmp_path: Path) -> None:
    free, total = disk.free_space(str(tmp_path / "not/there/yet"))
    assert 0 < free <= total


@needs_mount
def test_a_read_only_volume_can_be_listed_planned_and_verified(tmp_path: Path, origin: Origin) -> None:
    with mounted("-t", "tmpfs", "-o", "size=8m", "tmpfs", at=tmp_path / "v") as volume:
        pod = Pod(volume, origin, "small.bin")
        assert pod.run("fetch", "B")[0] == 0
        subprocess.run(["mount", "-o", "remount,ro", str(volume)], check=True)
        for command in (("list",), ("plan",), ("verify",), ("fetch", "B")):
            code, text = pod.run(*command, DOWNLOAD_B="true")
            assert code == 0, text
        pod.installed("small.bin").stat()
