"""Volumes that users bring to a container: JupyterLab comes up behind its login each time, and the status says why."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.container.engine import Container, docker, running, volume
from tests.support.waiting import wait_until

#: Seconds within which a volume that fails while the pod runs is a condition.
SOON = 30


def conditions(pod: Container) -> set[str]:
    return {each["name"] for each in json.loads(pod.run("podkeeper status --json", check=False))["conditions"]}


def asks_for_the_login(pod: Container) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{pod.port()}/api/contents", timeout=10):
            return False
    except urllib.error.HTTPError as error:
        error.close()
        return error.code in (401, 403)


def comes_up(pod: Container) -> None:
    pod.wait_for_jupyter()
    assert pod.jupyter("/api/contents")
    assert asks_for_the_login(pod)


def test_any_user_with_a_fresh_volume(image: str) -> None:
    with volume() as name, running(image, "--user", "1000", "--volume", f"{name}:/workspace") as pod:
        comes_up(pod)
        pod.run("echo mine > /workspace/comfyui/input/mine.txt")
        assert not conditions(pod) & {"VolumeNotWritable", "JupyterRootElsewhere", "DataFolderNotReady"}


@pytest.mark.parametrize("options", [("--user", "1000"), ("--env", "PUID=1000")], ids=["--user", "PUID"])
def test_a_folder_of_roots_that_others_may_only_look_at(image: str, options: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    os.chmod(tmp_path, 0o755)  # noqa: S103 # the container's user has to reach it
    with running(image, *options, "--volume", f"{tmp_path}/volume:/workspace") as pod:
        comes_up(pod)
        if "--user" in options:
            wait_until(lambda: conditions(pod) & {"DataFolderNotReady", "VolumeMissing"}, SOON, "it is named", 0.5)


def test_a_read_only_volume(image: str) -> None:
    with volume() as name, running(image, "--volume", f"{name}:/workspace:ro") as pod:
        comes_up(pod)
        wait_until(lambda: conditions(pod) & {"DataFolderNotReady", "VolumeReadOnly"}, SOON, "it is named", 0.5)


def test_a_volume_that_fills_while_the_pod_runs_is_a_condition_until_it_has_room(image: str) -> None:
    with running(image, "--tmpfs", "/workspace:size=64m,mode=1777") as pod:
        comes_up(pod)
        wait_until(lambda: "VolumeFull" not in conditions(pod), SOON, "it has room", 0.5)
        pod.run("head -c 80M /dev/zero > /workspace/comfyui/output/full", check=False)
        wait_until(lambda: "VolumeFull" in conditions(pod), SOON, "it is named", 0.5)
        assert json.loads(pod.run("podkeeper status --json", check=False))["health"] == "degraded"
        pod.run("rm /workspace/comfyui/output/full")
        wait_until(lambda: "VolumeFull" not in conditions(pod), SOON, "it clears by itself", 0.5)


def test_a_home_that_is_mounted_read_only(image: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with running(image, "--volume", f"{tmp_path}/mine:/root/.jupyter:ro") as pod:
        comes_up(pod)
        wait_until(lambda: "HomeNotUsable" in conditions(pod), SOON, "it is named", 0.5)


def test_a_volume_at_another_place_is_named(image: str, tmp_path: Path) -> None:
    with volume() as name, running(image, "--volume", f"{name}:/data") as pod:
        comes_up(pod)
        large = int(docker("exec", pod.id, "df", "--output=size", "-B1", "/data").stdout.split()[-1]) > 5_000_000_000
        if large:
            wait_until(lambda: "VolumeElsewhere" in conditions(pod), SOON, "it is named", 0.5)
