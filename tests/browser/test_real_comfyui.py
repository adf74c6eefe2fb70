"""A whole workflow (the eleventh check to its end): an image uploaded in JupyterLab is used by real ComfyUI.

Needs COMFYUI_DIR and COMFYUI_PYTHON of a ComfyUI that runs on the CPU; skipped where there is none.
"""

import os
import pathlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright

from tests.support.browser.comfyui_door import ComfyPod
from tests.support.browser.pods import open_folder
from tests.support.browser.proxied_pod import Scene, scene
from tests.support.browser.workflow_upload import ComfyUI, upload_goes_through_a_workflow

pytestmark = pytest.mark.skipif("COMFYUI_DIR" not in os.environ, reason="no real ComfyUI: COMFYUI_DIR is not set")


class PodWithComfyUI(ComfyPod):
    """Our pod with real ComfyUI beside JupyterLab."""

    def __init__(self, home: pathlib.Path) -> None:
        super().__init__(home, real=True)


@pytest.fixture
def on(playwright: Playwright) -> Iterator[Scene]:
    with open_folder("comfyui") as folder, scene(playwright, folder, True, PodWithComfyUI) as running:
        yield running


def test_an_uploaded_image_goes_through_a_workflow_and_comes_back(on: Scene) -> None:
    assert isinstance(on.pod, PodWithComfyUI)
    upload_goes_through_a_workflow(on, ComfyUI(on.pod.comfyui_port, on.pod.token))
