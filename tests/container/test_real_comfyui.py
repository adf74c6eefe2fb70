"""A whole workflow (the eleventh check to its end) in the container: ComfyUI makes an image from an uploaded one.

PODKEEPER_REAL_IMAGE names an image with real ComfyUI in it; docs/image.md says how to build one.
"""

from __future__ import annotations

import os
import pathlib

import pytest
from playwright.sync_api import sync_playwright

from tests.support.browser.pods import open_folder
from tests.support.browser.proxied_pod import scene
from tests.support.browser.workflow_upload import ComfyUI, upload_goes_through_a_workflow
from tests.support.container.container_pod import ContainerPod, network_of_a_container
from tests.support.container.engine import TOKEN
from tests.support.container.log_check import AT_A_STOP, AT_WORK, unexpected

REAL_IMAGE = os.environ.get("PODKEEPER_REAL_IMAGE", "")
pytestmark = pytest.mark.skipif(not REAL_IMAGE, reason="no image with real ComfyUI: PODKEEPER_REAL_IMAGE is not set")
#: ComfyUI opens this log beside its code, which is read-only here, and runs without it.
DETAIL_LOG = "Could not open DETAIL log /opt/comfyui/comfyui_detail.log: [Errno 30] Read-only file system"
READ_ONLY = [
    option
    for folder in ("/run", "/tmp", "/var/log", "/root")
    for option in ("--tmpfs", folder)
]  # fmt: skip


@pytest.mark.parametrize("options", [[], ["--read-only", *READ_ONLY]], ids=["plain", "read-only"])
def test_an_uploaded_image_goes_through_a_workflow_and_comes_back(options: list[str]) -> None:
    """With a read-only root ComfyUI can't keep its database beside its code, and must not complain of it."""
    with (
        open_folder("real") as folder,
        network_of_a_container(REAL_IMAGE) as network,
        sync_playwright() as started,
    ):

        def make(home: pathlib.Path) -> ContainerPod:
            # ComfyUI-Manager prints tracebacks without a network; test_real_manager.py is about it.
            return ContainerPod(home, REAL_IMAGE, network, ("--env", "COMFYUI_MANAGER=off", *options))

        with scene(started, folder, True, make) as on:
            upload_goes_through_a_workflow(on, ComfyUI(8188, TOKEN))
        assert isinstance(on.pod, ContainerPod)
        loud = [line for log in on.pod.logs for line in unexpected(log, *AT_A_STOP, *AT_WORK, DETAIL_LOG)]
        assert loud == [], "\n".join(loud)
