"""The boot steps that access the volume."""

import os
import stat
import sys
from pathlib import Path

import pytest

from entrypoint.conditions.condition import CannotDo
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import read_conditions
from entrypoint.system.mounts import responds
from entrypoint.volumes import boot_steps
from tests.support.file_systems import misbehaving, needs_fuse


def paths_of(tmp_path: Path, stored: Path) -> Paths:
    (tmp_path / "run").mkdir(exist_ok=True)
    return Paths(
        data=str(stored), stored=str(stored), volume="", log=str(tmp_path), home=str(tmp_path),
        runtime=str(tmp_path / "run"), python=sys.executable, kept_secrets="", models_state="",
            packages="/nonexistent/packages",
    )  # fmt: skip


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    folder = tmp_path / "comfyui"
    (folder / "models").mkdir(parents=True)
    for each in (folder, folder / "models"):
        each.chmod(0o755)
    return folder


def test_a_healthy_volume_is_opened_at_the_top_and_raises_no_condition(tmp_path: Path, stored: Path) -> None:
    settings, paths = Settings.from_environ({}), paths_of(tmp_path, stored)
    boot_steps.open_top(settings, paths)
    assert [stat.S_IMODE(os.stat(each).st_mode) for each in (stored, stored / "models")] == [0o777, 0o777]
    assert read_conditions(paths.runtime) == []


@needs_fuse
def test_a_volume_that_hangs_does_not_block_a_step(passthrough: Path, tmp_path: Path, stored: Path) -> None:
    with misbehaving(passthrough, stored, tmp_path / "volume") as mount:
        settings, paths = Settings.from_environ({}), paths_of(tmp_path, mount.folder)
        assert responds(str(mount.folder))
        mount.set(mount.HANG, 1)
        assert not responds(str(mount.folder / "models"), 0.5)
        with pytest.raises(CannotDo, match="VolumeTopNotOpened"):
            boot_steps.open_top(settings, paths, 0.5)


def test_a_missing_folder_counts_as_a_response(tmp_path: Path) -> None:
    assert responds(str(tmp_path / "nowhere"))
