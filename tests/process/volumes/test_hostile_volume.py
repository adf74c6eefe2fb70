"""A volume whose top every user can write to: the services' user puts a link in the data folder's place."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoint.conditions.condition import CannotDo
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import Identity
from entrypoint.volumes import boot_steps
from entrypoint.volumes.layout import make_data_folder
from entrypoint.volumes.write_probe import sweep

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
UID = 12345


def state(top: Path) -> list[tuple[str, int, int, int, int]]:
    """Path, mode, owner and time of everything below."""
    found = [(path, path.lstat()) for path in (top, *sorted(top.rglob("*")))]
    return [(str(path), each.st_mode, each.st_uid, each.st_gid, each.st_mtime_ns) for path, each in found]


@pytest.mark.parametrize("policy", ["owner", "group", "shared", "top"])
@pytest.mark.parametrize("planted", ["data folder", "models"])
def test_root_touches_nothing_behind_a_link_in_place_of_the_data_folder(
    policy: str, planted: str, tmp_path: Path
) -> None:
    volume, victim = tmp_path / "volume", tmp_path / "victim"
    (victim / "below").mkdir(parents=True)
    (victim / "below/file").write_text("root's")
    victim.chmod(0o700)
    (volume / "comfyui").mkdir(parents=True)
    if planted == "data folder":
        (volume / "comfyui").rmdir()
        (volume / "comfyui").symlink_to(victim)
    else:
        (volume / "comfyui/models").symlink_to(volume / "models")
        (volume / "models").symlink_to(victim)
        os.chown(volume / "comfyui", UID, UID)
    volume.chmod(0o777)
    stored = str(volume / "comfyui")
    (tmp_path / "run").mkdir()
    paths = Paths(
        data=stored, stored=stored, volume=str(volume), log=str(tmp_path), home=str(tmp_path),
        runtime=str(tmp_path / "run"), python="", kept_secrets="", models_state="", packages="/nonexistent/packages",
    )  # fmt: skip
    settings = Settings(puid=str(UID), volume_policy=policy)
    before = state(victim)
    with contextlib.suppress(CannotDo):
        make_data_folder(paths, Identity(UID, UID))
    with contextlib.suppress(CannotDo):
        boot_steps.open_top(settings, paths)
    sweep(stored, 0)
    environ = {"PATH": os.environ["PATH"], **settings.to_environ(), **paths.to_environ()}
    subprocess.run([sys.executable, "-I", "-m", "entrypoint.volumes"], env=environ, check=True, timeout=60)
    assert state(victim) == before
