"""The real ComfyUI's output is delivered, its preview is not, and the webhook says where the output is."""

from __future__ import annotations

import json
import os
import shutil
import urllib.request
from pathlib import Path

import pytest

from entrypoint.settings.settings import Settings
from entrypoint.system.redaction import Redactor
from entrypoint.webhooks.sender import Receiver as Address
from entrypoint.webhooks.worker import Worker
from tests.support.comfyui_process import comfyui
from tests.support.outputs import Place
from tests.support.receiver import Receiver
from tests.support.s3 import S3
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.skipif(
        not (os.environ.get("COMFYUI_DIR") and os.environ.get("COMFYUI_PYTHON")),
        reason="COMFYUI_DIR and COMFYUI_PYTHON are not set: no real ComfyUI here",
    ),
    pytest.mark.skipif(not shutil.which("rclone"), reason="needs rclone (apt-get install rclone)"),
]
WORKFLOW = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 2, "color": 255}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "sub/made"}},
    "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
}


def test_outputs_are_delivered_and_told(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (tmp_path / "data/custom_nodes").mkdir()
    with S3() as store, Receiver() as receiver, comfyui(tmp_path / "data") as port:
        place.keep({name: text for name, text in store.environ().items() if name != "OUTPUTS_TO"})
        to = store.environ()["OUTPUTS_TO"]
        address = Address(receiver.url, "", True)
        settings = Settings(comfyui_internal_port=port, outputs_to=to)
        worker = Worker(settings, place.paths, {"ON_DONE": address}, Redactor([]))
        worker.turn()
        with place.running(to):
            body = json.dumps({"prompt": WORKFLOW}).encode()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/prompt", body, timeout=30) as response:
                identity = json.load(response)["prompt_id"]

            def told() -> bool:
                worker._next_prompts = 0.0
                worker.turn()
                return bool(receiver.received)

            wait_until(told, 60, f"the webhook arrives; see {place.log}", 0.3)
        (received,) = receiver.received
        content = json.loads(received.body)
        names = ["sub/made_00001_.png", "sub/made_00002_.png"]
        assert content["type"] == "prompt.finished"
        assert content["data"]["prompt_id"] == identity
        assert content["data"]["outputs"] == names
        assert content["data"]["delivered"] == {name: f"s3://bucket/out/{name}" for name in names}
        assert content["data"]["seconds"] >= 0
        assert sorted(store.names()) == names
        assert all(each.startswith(b"\x89PNG") for each in store.names().values())
