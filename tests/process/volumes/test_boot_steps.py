"""The steps of a start that look at the volume."""

import os
import stat
import sys

import pytest

from entrypoint.conditions.condition import CannotDo
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import read_conditions
from entrypoint.system.mounts import responds
from entrypoint.volumes import boot_steps
from tests.support.file_systems import misbehaving, mounted, needs_fuse, needs_mount


def paths_of(tmp_path, stored):
    (tmp_path / "run").mkdir(exist_ok=True)
    return Paths(
        data=str(stored), stored=str(stored), volume="", log=str(tmp_path), home=str(tmp_path),
        runtime=str(tmp_path / "run"), python=sys.executable,
    )  # fmt: skip


@pytest.fixture
def stored(tmp_path):
    folder = tmp_path / "comfyui"
    (folder / "models").mkdir(parents=True)
    for each in (folder, folder / "models"):
        each.chmod(0o755)
    return folder


def test_a_healthy_volume_is_opened_at_the_top_and_nothing_is_told(tmp_path, stored):
    settings, paths = Settings.from_environ({}), paths_of(tmp_path, stored)
    boot_steps.open_up_the_top(settings, paths)
    boot_steps.try_the_volume(settings, paths)
    assert [stat.S_IMODE(os.stat(each).st_mode) for each in (stored, stored / "models")] == [0o777, 0o777]
    assert read_conditions(paths.runtime) == []


@needs_mount
def test_a_read_only_volume_is_told(tmp_path):
    with mounted("-t", "tmpfs", "-o", "ro", "tmpfs", at=tmp_path / "volume") as volume:
        paths = paths_of(tmp_path, volume)
        boot_steps.try_the_volume(Settings.from_environ({}), paths)
        assert [each.name for each in read_conditions(paths.runtime)] == ["VolumeReadOnly"]


@needs_fuse
def test_a_volume_that_hangs_holds_no_step_up(passthrough, tmp_path, stored):
    with misbehaving(passthrough, stored, tmp_path / "volume") as mount:
        settings, paths = Settings.from_environ({}), paths_of(tmp_path, mount.folder)
        assert responds(str(mount.folder))
        mount.set(mount.HANG, 1)
        assert not responds(str(mount.folder / "models"), 0.5)
        with pytest.raises(CannotDo, match="VolumeTopNotOpened"):
            boot_steps.open_up_the_top(settings, paths, 0.5)
        boot_steps.hear_the_canary(boot_steps.send_the_canary(settings, paths), paths, 0.5)
        assert [each.name for each in read_conditions(paths.runtime)] == ["VolumeHung"]


def test_a_folder_that_is_not_there_is_an_answer(tmp_path):
    assert responds(str(tmp_path / "nowhere"))
