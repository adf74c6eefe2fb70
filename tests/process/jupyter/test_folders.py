"""JupyterLab's root and the folder of what the user changes, with data folders that other users closed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from entrypoint.jupyter.folders import choose_root
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import read_conditions
from entrypoint.system.kept_changes import keep_changes
from tests.support.file_systems import as_user, let_others_through, needs_root
from tests.support.jupyter_changes import choose_dark_theme, theme_and_workspace, type_into_terminal
from tests.support.pod import TOKEN, running
from tests.support.pod_with_files import UID, conditions, pod_with


def paths_in(home: Path) -> Paths:
    facts = Facts(mounts=frozenset(), uid=UID, temporary="/tmp", python="/python")
    return locate(Settings(home=str(home)), facts)


@needs_root
@pytest.mark.parametrize(
    ("modes", "root"),
    [
        ({"comfyui": 0o755}, "comfyui"),
        ({"comfyui": 0o555}, "comfyui"),
        ({"comfyui": 0o700}, ""),
        ({"comfyui": 0o711}, ""),
        ({}, ""),
        ({"comfyui": 0o700, "": 0o711}, "/tmp"),
    ],
)
def test_the_root_is_the_nearest_folder_that_the_services_user_can_open(
    modes: dict[str, int], root: str, tmp_path: Path
) -> None:
    let_others_through(tmp_path)
    home = tmp_path / "pod"
    for name in ("", "run", "home"):
        (home / name).mkdir()
        (home / name).chmod(0o777)
    for name, mode in modes.items():
        (home / name).mkdir(exist_ok=True)
        (home / name).chmod(mode)

    def choose() -> None:
        paths = paths_in(home)
        assert choose_root(paths) == str(home / root)
        found = [condition.name for condition in read_conditions(paths.runtime)]
        assert found == ([] if root == "comfyui" else ["JupyterRootElsewhere"])

    as_user(UID, choose)


@needs_root
@pytest.mark.parametrize(("mode", "kept"), [(0o777, "comfyui"), (0o755, "home"), (0o700, "home")])
def test_changes_are_kept_in_the_data_folder_or_at_home(mode: int, kept: str, tmp_path: Path) -> None:
    let_others_through(tmp_path)
    home = tmp_path / "pod"
    for name, each in (("", 0o755), ("home", 0o777), ("comfyui", mode)):
        (home / name).mkdir()
        (home / name).chmod(each)

    def keep() -> None:
        names = keep_changes(paths_in(home))
        assert names["HISTFILE"] == str(home / kept / ".jupyter/bash_history")
        assert os.path.isdir(names["JUPYTERLAB_SETTINGS_DIR"])

    as_user(UID, keep)


@needs_root
@pytest.mark.parametrize("user", [UID, None], ids=["uid 1000", "PUID"])
def test_jupyterlab_runs_where_the_data_folder_is_closed(user: int | None, python: str) -> None:
    environ = {} if user else {"PUID": str(UID), "VOLUME_POLICY": "top"}
    with pod_with({"comfyui/mine": ""}, python, environ, user) as pod:
        if user is None:
            pod.wait_for_log("(top) done")  # the pass of the start would open it again
        os.chown(pod.home / "comfyui", 0, 0)
        (pod.home / "comfyui").chmod(0o700)
        assert pod.podkeeper("restart", "jupyter").returncode == 0
        pod.wait_for_jupyter()
        assert pod.jupyter("/api/contents")["type"] == "directory"
        assert f"JupyterLab shows {pod.home}" in conditions(pod)["JupyterRootElsewhere"]


def test_in_local_mode_changes_are_below_the_data_folder(tmp_path: Path) -> None:
    with running(tmp_path / "pod") as pod:
        pod.wait_for_jupyter()
        choose_dark_theme(pod.jupyter_port, TOKEN)
        assert theme_and_workspace(pod.jupyter_port, TOKEN) == ("JupyterLab Dark", {"kept": 1})
        type_into_terminal(pod.jupyter_port, TOKEN, "echo typed-by-the-user")
        kept = pod.home / "comfyui/.jupyter"
        assert (
            "Dark" in (kept / "lab/user-settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings").read_text()
        )
        (workspace,) = (kept / "lab/workspaces").glob("mine*")
        assert json.loads(workspace.read_text())["data"] == {"kept": 1}
        assert "echo typed-by-the-user" in (kept / "bash_history").read_text()
