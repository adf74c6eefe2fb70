"""How long from a worker's start to its first job's result: ours against worker-comfyui's way, on the same ComfyUI.

usage: worker.py SDK_PYTHON HANDLER COMFYUI_DIR COMFYUI_PYTHON [ROUNDS]

SDK_PYTHON: with the packages of image/worker.lock, requests and websocket-client. HANDLER: the folder with
worker-comfyui's handler.py, which is started as its start.sh does: ComfyUI in the background, then the handler.
Jobs come from a stand-in of RunPod's queue; each is a picture of one colour. Prints the seconds to the first result,
and those of ten further jobs.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.support.ports import free_ports
from tests.support.serverless.job_queue import JobQueue

_LIMIT_S = 300.0
#: Where start.sh writes ComfyUI's pid, and the handler looks whether ComfyUI lives; without it, it gives up after 25 s.
PID_FILE = Path("/tmp/comfyui.pid")  # noqa: S108 - theirs
_MORE = 10


def workflow(number: int) -> dict[str, Any]:
    """A picture that no job before has had: ComfyUI keeps results."""
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": number}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "bench"}},
    }


def wait(queue: JobQueue, job_id: str) -> None:
    """Until a job has a result."""
    until = time.monotonic() + _LIMIT_S
    while job_id not in queue.results:
        if time.monotonic() > until:
            raise SystemExit(f"worker: no result of {job_id}")
        time.sleep(0.005)
    if "images" not in queue.results[job_id][0].get("output", {}):
        raise SystemExit(f"worker: {queue.results[job_id][0]}")


def measure(commands: list[tuple[list[str], dict[str, str], str]], queue: JobQueue) -> tuple[float, float]:
    """Seconds to the first result, and for one further job (median)."""
    queue.add("first", {"workflow": workflow(0)})
    began = time.monotonic()
    processes = [
        subprocess.Popen(words, env=environ, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True)
        for words, environ, folder in commands
    ]  # fmt: skip
    PID_FILE.write_text(str(processes[0].pid))
    try:
        wait(queue, "first")
        first, further = time.monotonic() - began, []
        for number in range(1, _MORE + 1):
            began = time.monotonic()
            queue.add(f"job-{number}", {"workflow": workflow(number)})
            wait(queue, f"job-{number}")
            further.append(time.monotonic() - began)
        return first, statistics.median(further)
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGTERM)
        PID_FILE.unlink(missing_ok=True)
        for process in processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def theirs(folder: Path, sdk: str, handler: str, comfyui: str, python: str) -> tuple[float, float]:
    """worker-comfyui's start.sh: ComfyUI on port 8188, then the handler."""
    queue = JobQueue()
    for name in ("custom_nodes", "models", "input", "output", "user"):  # as in a clone
        (folder / name).mkdir()
    environ = {name: os.environ[name] for name in ("PATH", "HOME")} | queue.environ
    environ |= {"RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true", "RUNPOD_SKIP_GPU_CHECK": "true"}
    words = ["--disable-auto-launch", "--disable-metadata", "--cpu", "--base-directory", str(folder)]
    start = [python, "-u", f"{comfyui}/main.py", *words, "--database-url", "sqlite://"]
    return measure([(start, environ, comfyui), ([sdk, "-u", "handler.py"], environ, handler)], queue)


def ours(folder: Path, sdk: str, comfyui: str, python: str) -> tuple[float, float]:
    """Our entrypoint, as in the container."""
    queue = JobQueue()
    environ = (
        {"PATH": os.environ["PATH"], "PODKEEPER_HOME": str(folder), "MODELS": "none"} | free_ports() | queue.environ
    )
    environ |= {"COMFYUI_DIR": comfyui, "COMFYUI_PYTHON": python, "WORKER_PYTHON": sdk, "COMFYUI_ENABLED": "true"}
    return measure([([sys.executable, "-I", "-m", "entrypoint"], environ, str(Path.cwd()))], queue)


def main(sdk: str, handler: str, comfyui: str, python: str, rounds: str = "3") -> int:
    """Measure both in turn; prints the medians and their ratio."""
    found: dict[str, list[tuple[float, float]]] = {"worker-comfyui": [], "podkeeper": []}
    for turn in range(int(rounds) + 1):
        for name in found:
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder) / "pod"
                place.mkdir()
                seconds = (
                    ours(place, sdk, comfyui, python)
                    if name == "podkeeper"
                    else theirs(place, sdk, handler, comfyui, python)
                )
            if turn:  # the first round warms the disk's caches
                found[name].append(seconds)
            print(f"{name}: first {seconds[0]:.2f} s, further {seconds[1] * 1000:.0f} ms", flush=True)
    medians = {name: [statistics.median(each) for each in zip(*values, strict=True)] for name, values in found.items()}
    for index, what in enumerate(("first result", "further job")):
        mine, others = medians["podkeeper"][index], medians["worker-comfyui"][index]
        print(f"{what}: {mine:.3f} s against {others:.3f} s: {mine / others:.2f} x")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
