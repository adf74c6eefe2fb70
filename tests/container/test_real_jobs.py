"""A container that is one job, with real ComfyUI on the CPU: what it delivers, and the codes that a scheduler acts on.

PODKEEPER_REAL_IMAGE names an image with real ComfyUI in it; docs/image.md says how to build one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.container.engine import docker
from tests.support.container.real_comfyui import REAL_IMAGE
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(not REAL_IMAGE, reason="no image with real ComfyUI: PODKEEPER_REAL_IMAGE is not set")
SAVE: dict[str, Any] = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "made"}}
PICTURE: dict[str, Any] = {
    "class_type": "EmptyImage",
    "inputs": {"width": 32, "height": 32, "batch_size": 1, "color": 255},
}
LOADER = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "no.safetensors"}}
#: Half a minute of work for a core node without a model.
SLOW: dict[str, Any] = {"class_type": "ImageBlur", "inputs": {"image": ["1", 0], "blur_radius": 31, "sigma": 9.0}}


def start(folder: Path, workflow: Any, *words: str) -> str:
    """A container that runs the workflow; returns its id."""
    (folder / "out").mkdir(exist_ok=True)
    folder.chmod(0o777)
    (folder / "out").chmod(0o777)
    (folder / "w.json").write_text(workflow if isinstance(workflow, str) else json.dumps(workflow))
    mount = ("--volume", f"{folder}:/job")
    made = docker(
        "run", "--detach", "--label", "podkeeper-test", "--network", "none", *mount, REAL_IMAGE,
        "podkeeper", "run", "/job/w.json", "--no-fetch", "--out", "/job/out", "--result", "/job/result.json", *words,
    )  # fmt: skip
    return str(made.stdout.strip())


def end(container: str) -> tuple[int, str]:
    """The exit code and the log of a container that ends by itself."""
    code = int(docker("wait", container).stdout)
    found = docker("logs", container)
    docker("rm", "--force", "--volumes", container)
    return code, found.stdout + found.stderr


def test_the_picture_is_delivered_and_nothing_else_has_run(tmp_path: Path) -> None:
    code, log = end(start(tmp_path, {"1": PICTURE, "9": SAVE}, "--set", "EmptyImage.width=64"))
    assert code == 0, log[-3000:]
    (picture,) = (tmp_path / "out").iterdir()
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert int.from_bytes(picture.read_bytes()[16:20]) == 64
    assert json.loads((tmp_path / "result.json").read_text())["state"] == "done"
    assert "jupyter" not in log.lower().replace("jupyter-", "")


@pytest.mark.parametrize(
    ("workflow", "code", "name"),
    [
        (
            {"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "no.safetensors"}}},
            65,
            "ModelMissing",
        ),
        ("{", 65, "BadWorkflow"),
        ({"1": PICTURE, "9": {**SAVE, "class_type": "NoSuchNode"}}, 65, "NodeMissing"),
    ],
)
def test_a_wrong_job_is_never_tried_again(tmp_path: Path, workflow: Any, code: int, name: str) -> None:
    found, log = end(start(tmp_path, workflow))
    assert found == code, log[-3000:]
    assert json.loads((tmp_path / "result.json").read_text())["failure"]["name"] == name


def test_a_stopped_container_asks_for_another_try(tmp_path: Path) -> None:
    big = {**PICTURE, "inputs": {**PICTURE["inputs"], "width": 4096, "height": 4096}}
    container = start(tmp_path, {"1": big, "2": SLOW, "9": {**SAVE, "inputs": {**SAVE["inputs"], "images": ["2", 0]}}})
    wait_until(lambda: "run: running" in docker("logs", container).stdout, 180, "the job runs", 0.5)
    docker("stop", container)
    assert end(container)[0] == 75
