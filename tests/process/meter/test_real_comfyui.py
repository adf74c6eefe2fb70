"""Real ComfyUI on the CPU: its queue is work. COMFYUI_DIR and COMFYUI_PYTHON say where it is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from entrypoint.meter.keep import keep
from entrypoint.system.loopback_http import send
from tests.support.meters import paths_of, report, wait_for
from tests.support.pod import running
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif("COMFYUI_DIR" not in os.environ, reason="COMFYUI_DIR names no ComfyUI")


def workflow(number: int) -> str:
    """An image of its own, so that nothing comes from ComfyUI's cache."""
    nodes: dict[str, Any] = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 1024, "height": 1024, "batch_size": 4, "color": number}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "meter"}},
    }
    return json.dumps({"prompt": nodes})


def test_a_queue_of_the_real_comfyui(tmp_path: Path) -> None:
    real = {name: os.environ[name] for name in ("COMFYUI_DIR", "COMFYUI_PYTHON") if name in os.environ}
    environ = real | {"COMFYUI_ENABLED": "true", "JUPYTER_ENABLED": "false", "IDLE_STOP": "2s"}
    with running(tmp_path / "pod", environ) as pod:
        wait_until((pod.home / "run/requests").exists, 30, "the requests' folder")
        keep(paths_of(pod), 3600)
        port = int(pod.environ["COMFYUI_INTERNAL_PORT"])
        wait_for(pod, "ComfyUI is starting")
        wait_until(lambda: send("GET", port, "/prompt", 2).status == 200, 180, "ComfyUI responds", 0.5)
        headers = {"Content-Type": "application/json"}
        for number in range(10):
            assert send("POST", port, "/prompt", 20, headers, workflow(number)).status == 200
        wait_for(pod, "in its queue")
        wait_until(lambda: report(pod).get("state") == "kept", 120, "the queue is empty", 0.1)
        assert json.loads(send("GET", port, "/prompt", 20).body)["exec_info"]["queue_remaining"] == 0
