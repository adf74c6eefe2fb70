"""The program `gpu` of a pod."""

from __future__ import annotations

import json
from pathlib import Path

from entrypoint.system.loopback_http import send
from tests.support.pod import running
from tests.support.waiting import wait_until


def test_without_a_gpu_the_program_says_so_at_once_and_ends(tmp_path: Path) -> None:
    home = tmp_path / "pod"
    home.mkdir()
    environ = {"COMFYUI_ENABLED": "true", "COMFYUI_DIR": "/nowhere", "JUPYTER_ENABLED": "false"}
    with running(home, environ | {"CUDA_VISIBLE_DEVICES": "-1"}) as pod:
        report = home / "run/reports/gpu.json"
        wait_until(report.exists, 30, f"the report is there; see {pod.output}")
        assert json.loads(report.read_text())["state"] == "skipped"
        port = int(pod.environ["STATUS_INTERNAL_PORT"])
        wait_until(lambda: send("GET", port, "/healthz", 2).status == 200, 60, "the status server is up", 0.1)
        wait_until(lambda: "exited with code 0" in pod.podkeeper("status", "gpu").stdout, 30, "it has ended", 0.2)
        assert pod.podkeeper("gpu").returncode == 4
        assert json.loads(pod.podkeeper("status", "--json").stdout)["gpu_check"]["state"] == "skipped"
        assert "no GPU is visible" in pod.podkeeper("doctor").stdout
