"""The seed's eleventh check to its end: an image uploaded in JupyterLab is used by real ComfyUI.

Needs COMFYUI_DIR and COMFYUI_PYTHON of a ComfyUI that runs on the CPU; skipped where there is none.
"""

import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Playwright

from tests.browser.door import ComfyPod
from tests.browser.lab import Lab
from tests.browser.pod import open_folder
from tests.browser.scene import Scene, new_profile, scene
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(
    "COMFYUI_DIR" not in os.environ, reason="no real ComfyUI: COMFYUI_DIR is not set"
)


class PodWithComfyUI(ComfyPod):
    """Our pod with real ComfyUI beside JupyterLab."""

    def __init__(self, home: pathlib.Path) -> None:
        super().__init__(home, real=True)

    def comfyui(self, path: str, body: Any = None) -> Any:
        """ComfyUI's JSON answer, through the gateway."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json", **self.bearer}
        answer = self.ask(path, headers, method="POST" if data else "GET", body=data, timeout=30)
        assert answer.status == 200, answer
        return answer.json


@pytest.fixture
def on(playwright: Playwright) -> Iterator[Scene]:
    with open_folder("comfyui") as folder, scene(playwright, folder, True, PodWithComfyUI) as running:
        yield running


def test_an_uploaded_image_goes_through_a_workflow_and_comes_back(on: Scene) -> None:
    pod = on.pod
    assert isinstance(pod, PodWithComfyUI)
    lab = Lab(new_profile(on.browser).new_page(), on.proxy.pod)
    lab.open(pod.token)
    picture = on.desk / "uploaded.png"
    lab.page.screenshot(path=picture)
    lab.enter_folder("input")
    lab.drop_files([picture])
    lab.sees("uploaded.png")
    wait_until(lambda: (pod.root / "input/uploaded.png").exists(), 20, "the upload is on disk")
    pod.wait_for_comfyui()

    workflow = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "uploaded.png"}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "made"}},
    }
    prompt = pod.comfyui("/prompt", {"prompt": workflow})["prompt_id"]
    wait_until(lambda: pod.comfyui(f"/history/{prompt}"), 60, "the workflow has ended", 0.1)
    (made,) = pod.root.glob("output/made*.png")
    assert made.read_bytes().startswith(b"\x89PNG")

    lab.go_to_root()
    lab.enter_folder("output")
    lab.sees(made.name)
    lab.entry(made.name).dblclick()
    lab.page.locator(".jp-ImageViewer img").wait_for()
    lab.page.screenshot(path=pathlib.Path(__file__).parents[1] / "artifacts" / "real-comfyui.png")
