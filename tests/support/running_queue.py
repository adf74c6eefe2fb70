"""The stand-in with ComfyUI's queue, started as ComfyUI's launcher does: killed, stopped and started again."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from typing import Any

from entrypoint.queue.inside.names import MODE, REPORT
from entrypoint.queue.watch import Watch
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import read_conditions
from tests.support.checkout import QUEUE_COMFYUI, ROOT
from tests.support.comfyui_paths import paths_in
from tests.support.ports import free_port
from tests.support.waiting import wait_until

HANDOVER = ROOT / "entrypoint/comfyui/handover/extra_model_paths.yaml"


def saving(name: str, seconds: float = 0.0, **more: Any) -> dict[str, Any]:
    """A workflow that works for a while and saves a line."""
    return {
        "1": {"class_type": "Work", "inputs": {"seconds": seconds}},
        "2": {"class_type": "Save", "inputs": {"name": name, **more}},
    }


#: It ends ComfyUI, once that has responded to the POST.
DEADLY = {"1": {"class_type": "Work", "inputs": {"seconds": 0.3}}, "2": {"class_type": "Die", "inputs": {}}}


class QueueComfyUI:
    """One pod's ComfyUI. `folder` has the runtime folder of this pod; `data` is the volume."""

    def __init__(self, folder: pathlib.Path, data: pathlib.Path, pod: str = "pod-a", mode: str = "true") -> None:
        self.folder, self.data, self.pod, self.mode = folder, data, pod, mode
        self.port = free_port()
        for name in ("reports", "requests", "conditions"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (data / ".podkeeper").mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it responds, as the program `nodes` notes it then."""
        starts = self.folder / "reports/comfyui-starts.json"
        starts.write_text('{"starts": [{"at": 1, "packages": "", "served": false}]}')
        environ = {
            "PATH": os.environ["PATH"], MODE: self.mode, "RUNPOD_POD_ID": self.pod,
            "PODKEEPER_RUNTIME_PATH": str(self.folder), "PODKEEPER_DATA_PATH": str(self.data),
            "PODKEEPER_MODELS_STATE_PATH": str(self.data / ".podkeeper"),
        }  # fmt: skip
        words = ["--port", str(self.port), "--base-directory", str(self.data), "--extra-model-paths-config"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, QUEUE_COMFYUI / "main.py", *words, HANDOVER], env=environ, stdout=log, stderr=log
            )
        wait_until(self.responds, 20, f"the stand-in responds; see {self.folder}/log")
        starts.write_text(starts.read_text().replace("false", "true"))

    def responds(self) -> bool:
        """Whether it responds."""
        try:
            return bool(self.ask("/system_stats"))
        except OSError:
            return False

    def kill(self) -> None:
        """kill -9."""
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it."""
        if self.process:
            self.process.send_signal(number)
            self.process.wait(10)

    def ask(self, path: str, body: Any = None) -> Any:
        """Its JSON response."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def status(self, path: str, body: Any = None) -> tuple[int, Any, dict[str, str]]:
        """The status of its response, the JSON and the headers."""
        try:
            return 200, self.ask(path, body), {}
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read()), dict(error.headers)

    def queue(self, graph: dict[str, Any], **more: Any) -> str:
        """Queue a workflow; returns its id."""
        return str(self.ask("/prompt", {"prompt": graph, "client_id": "a-browser", **more})["prompt_id"])

    def running(self) -> list[str]:
        """The ids of what runs."""
        return [item[1] for item in self.ask("/queue")["queue_running"]]

    def waiting(self) -> list[str]:
        """The ids of what waits, in order."""
        return [item[1] for item in sorted(self.ask("/queue")["queue_pending"])]

    def lines(self, name: str) -> list[str]:
        """What has been saved (`saved`), or has begun (`began`), in order."""
        path = self.data / f"output/{name}.txt"
        return path.read_text().split() if path.exists() else []

    def report(self) -> dict[str, Any]:
        """The keeper's report."""
        path = self.folder / "reports" / REPORT
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def conditions(self) -> set[str]:
        """The conditions that the program `nodes` raises now."""
        paths = replace(paths_in(self.folder), runtime=str(self.folder), models_state=str(self.data / ".podkeeper"))
        Watch(Settings(queue_restore="false"), paths).look()  # false: it holds no lease
        return {each.name for each in read_conditions(paths.runtime)}

    def journal(self) -> str:
        """What this pod's journal has on the volume."""
        return (self.data / f".podkeeper/queue/{self.pod}.journal").read_text()

    def wait_for_saved(self, names: list[str]) -> None:
        """Until exactly this was saved."""
        wait_until(lambda: len(self.lines("saved")) >= len(names), 20, f"{names} were saved; see {self.folder}/log")
        wait_until(lambda: not self.running() and not self.waiting(), 20, "nothing runs any more")
        assert self.lines("saved") == names
