"""The table "What survives" of docs/image.md: what a user changed, after a restart, a stop and a new container."""

from __future__ import annotations

import pytest

from tests.support.container.engine import TOKEN, Container, docker, running, volume
from tests.support.jupyter_changes import choose_dark_theme, theme_and_workspace, type_into_terminal

DARK = ("JupyterLab Dark", {"kept": 1})
WITHOUT_COMFYUI = ("--env", "COMFYUI_ENABLED=false")


def history(pod: Container) -> str:
    return type_into_terminal(pod.port(), TOKEN, "history")


@pytest.mark.parametrize("options", [(), ("--user", "1000:1000"), ("--env", "PUID=1000")], ids=["root", "user", "PUID"])
def test_settings_theme_workspaces_and_history_survive_a_new_container(image: str, options: tuple[str, ...]) -> None:
    with volume() as name:
        arguments = (*WITHOUT_COMFYUI, *options, "--volume", f"{name}:/workspace")
        with running(image, *arguments) as pod:
            pod.wait_for_jupyter()
            choose_dark_theme(pod.port(), TOKEN)
            type_into_terminal(pod.port(), TOKEN, "echo typed-by-the-user")
            pod.run("touch /workspace/comfyui/input/mine /tmp/passing")
            pod.run("podkeeper restart jupyter")
            pod.wait_for_jupyter()
            assert theme_and_workspace(pod.port(), TOKEN) == DARK
            pod.stop()
            docker("start", pod.id)
            pod.wait_for_jupyter()
            assert theme_and_workspace(pod.port(), TOKEN) == DARK
            assert "typed-by-the-user" in history(pod)
            assert "passing" in pod.run("ls /tmp")
        with running(image, *arguments) as pod:
            pod.wait_for_jupyter()
            assert theme_and_workspace(pod.port(), TOKEN) == DARK
            assert "typed-by-the-user" in history(pod)
            assert "mine" in pod.run("ls /workspace/comfyui/input")
            assert "passing" not in pod.run("ls /tmp")


@pytest.mark.parametrize("options", [("--user", "1000:1000"), ("--env", "PUID=1000"), ()], ids=["user", "PUID", "root"])
@pytest.mark.parametrize("mount", ["workspace", "comfyui"])
def test_jupyterlab_has_a_root_with_a_volume_that_is_roots(image: str, mount: str, options: tuple[str, ...]) -> None:
    with volume() as name:
        # Not empty: an empty volume takes the mode of the image's folder at every mount.
        close = ("--entrypoint", "sh", "--volume", f"{name}:/v", image, "-c", "touch /v/others && chmod 0700 /v")
        docker("run", "--rm", *close)
        arguments = (*WITHOUT_COMFYUI, *options, "--volume", f"{name}:/{mount}")
        with running(image, *arguments) as pod:
            pod.wait_for_jupyter()
            assert pod.jupyter("/api/contents")["type"] == "directory"
            if "--user" in options:
                assert "JupyterRootElsewhere" in pod.run("podkeeper status", check=False)


def test_jupyterlab_has_a_root_with_a_read_only_volume(image: str) -> None:
    with volume() as name, running(image, *WITHOUT_COMFYUI, "--volume", f"{name}:/workspace:ro") as pod:
        pod.wait_for_jupyter()
        assert pod.jupyter("/api/contents")["type"] == "directory"
        choose_dark_theme(pod.port(), TOKEN)
        assert theme_and_workspace(pod.port(), TOKEN) == DARK


def test_a_user_can_fill_a_fresh_named_volume(image: str) -> None:
    options = ("--user", "1000:1000")
    with volume() as name, running(image, *WITHOUT_COMFYUI, *options, "--volume", f"{name}:/workspace") as pod:
        pod.wait_for_jupyter()
        pod.wait_for_log("  Logs ")
        assert pod.jupyter("/api/contents/input")["writable"]
        assert "Problem" not in pod.log


def test_what_nodes_load_from_the_system_is_there(image_with_comfyui: str) -> None:
    """5 of 21 common packs could not be imported without (opencv, slangpy)."""
    names = "libGL.so.1", "libgthread-2.0.so.0", "libglib-2.0.so.0", "libxcb.so.1", "libatomic.so.1"
    code = f"import ctypes; [ctypes.CDLL(name) for name in {names}]"
    docker("run", "--rm", "--entrypoint", "python3", image_with_comfyui, "-c", code)
