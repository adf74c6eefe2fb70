"""A whole workflow on an uploaded image (the eleventh check to its end), for any pod with real ComfyUI."""

import json
import urllib.request
from typing import Any

from tests.support.browser.jupyterlab import Lab
from tests.support.browser.proxied_pod import Scene, new_profile
from tests.support.checkout import ARTIFACTS
from tests.support.waiting import wait_until

STARTUP = 120.0  # seconds; torch from a cold disk


class ComfyUI:
    """ComfyUI's API through the gateway, without a browser."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token

    def ask(self, path: str, body: Any = None) -> Any:
        """ComfyUI's JSON response."""
        data = json.dumps(body).encode() if body is not None else None
        url = f"http://127.0.0.1:{self.port}{path}"
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(url, data, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def answers(self) -> bool:
        """Whether ComfyUI responds."""
        try:
            return bool(self.ask("/system_stats"))
        except OSError:
            return False


def upload_goes_through_a_workflow(on: Scene, comfyui: ComfyUI) -> None:
    """An image dropped in JupyterLab is read by ComfyUI, and what that makes of it opens in JupyterLab."""
    lab = Lab(new_profile(on.browser).new_page(), on.proxy.pod)
    lab.open(on.pod.token)
    picture = on.desk / "uploaded.png"
    lab.page.screenshot(path=picture)
    lab.enter_folder("input")
    lab.drop_files([picture])
    lab.sees("uploaded.png")
    wait_until(lambda: (on.pod.root / "input/uploaded.png").exists(), 20, "the upload is on disk")
    wait_until(comfyui.answers, STARTUP, "ComfyUI answers", 0.2)

    workflow = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "uploaded.png"}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "made"}},
    }
    prompt = comfyui.ask("/prompt", {"prompt": workflow})["prompt_id"]
    wait_until(lambda: comfyui.ask(f"/history/{prompt}"), 60, "the workflow has ended", 0.1)
    (made,) = on.pod.root.glob("output/made*.png")
    assert made.read_bytes().startswith(b"\x89PNG")

    lab.go_to_root()
    lab.enter_folder("output")
    lab.sees(made.name)
    lab.entry(made.name).dblclick()
    lab.page.locator(".jp-ImageViewer img").wait_for()
    ARTIFACTS.mkdir(exist_ok=True)
    lab.page.screenshot(path=ARTIFACTS / "real-comfyui.png")
