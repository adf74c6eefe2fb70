"""A worker's image without RunPod's SDK: ComfyUI runs, and a condition says what is missing."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.pod import Pod, environ_for
from tests.support.waiting import wait_until


def test_a_worker_without_the_sdk_is_a_condition(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "home", {**environ_for(tmp_path), "WORKER": "runpod"})
    try:
        pod.wait_for_log("WorkerMissing: there is no /opt/podkeeper/worker-env/bin/python")

        def states() -> dict[str, str]:
            content = json.loads((pod.home / "run/programs.json").read_text())
            return {name: facts["state"] for name, facts in content["programs"].items()}

        wait_until(lambda: states().get("comfyui") == "RUNNING", 30, "ComfyUI runs")
        wait_until(lambda: states().get("worker") == "EXITED", 30, "the worker stays down")
        assert states()["jupyter"] == "STOPPED"
    finally:
        pod.stop()
