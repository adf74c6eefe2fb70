"""Models that are linked to another disk, larger or smaller than the volume's."""

from __future__ import annotations

import dataclasses
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoint.models.disk import free_space
from entrypoint.models.progress import INSTALLED
from entrypoint.models.sources.model_file import File
from entrypoint.models.store import ModelStore
from tests.support.file_systems import mounted, needs_mount
from tests.support.models.fetcher import Scene, hub_file
from tests.support.models.origin import Origin

FILE = File(bundle="B", source="url", dest="loras/a.bin", keys={"url": "https://example.com/a"})


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs", at=tmp_path / "disk") as at:
        yield at


@needs_mount
@pytest.mark.parametrize("linked", ["models", "models/loras"])
def test_a_file_is_staged_on_the_disk_that_it_goes_to(linked: str, disk: Path, tmp_path: Path) -> None:
    data = tmp_path / "comfyui"
    (data / linked).parent.mkdir(parents=True)
    (data / linked).symlink_to(disk)
    store = ModelStore(str(data), str(data / ".podkeeper"))
    staging = Path(store.staging_folder(FILE))
    staging.mkdir(parents=True)
    assert staging.stat().st_dev == disk.stat().st_dev
    (staging / "part.1").write_bytes(b"x" * 4096)
    assert store.staged_bytes(FILE) == 4096
    store.install(FILE, str(staging / "part.1"))
    assert Path(store.path(FILE)).read_bytes() == b"x" * 4096
    assert store.staging_folder(FILE) == str(staging)  # the same once the folder of the file exists


@needs_mount
def test_the_room_is_that_of_the_disk_with_the_models(disk: Path, tmp_path: Path) -> None:
    data = tmp_path / "comfyui"
    data.mkdir()
    store = ModelStore(str(data), str(data / ".podkeeper"))
    assert free_space(store.disk_of_models()) == free_space(str(data))
    (data / "models").symlink_to(disk)
    assert free_space(store.disk_of_models())[1] == 1 << 20


def test_on_one_disk_staging_is_in_the_pods_own_folder(tmp_path: Path) -> None:
    store = ModelStore(str(tmp_path / "comfyui"), str(tmp_path / "comfyui/.podkeeper"))
    assert store.staging_folder(FILE).startswith(f"{store.kept}/staging/")


@needs_mount
@pytest.mark.parametrize("refuses", ["full", "read-only"])
def test_a_disk_that_refuses_costs_the_files_that_go_to_it_alone(disk: Path, tmp_path: Path, refuses: str) -> None:
    """The files of the disk come first: they are larger."""
    with Origin() as origin:
        origin.put("large.bin", random.Random(1).randbytes(3 << 20))
        origin.put("small.bin", random.Random(2).randbytes(1 << 19))
        scene = Scene(tmp_path / "pod", origin)
        models = Path(scene.store.data, "models")
        models.mkdir(parents=True)
        (models / "loras").symlink_to(disk)
        if refuses == "read-only":
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        there = [dataclasses.replace(hub_file("large.bin"), dest=f"loras/{number}.bin") for number in range(4)]
        here = [dataclasses.replace(hub_file("small.bin"), dest=f"vae/{number}.bin") for number in range(4)]
        found = scene.download(*there, *here)
        assert {each.problem and each.problem[0] for each in found[:4]} == {
            "VolumeFull" if refuses == "full" else "VolumeReadOnly"
        }
        assert [each.state for each in found[4:]] == [INSTALLED] * 4
