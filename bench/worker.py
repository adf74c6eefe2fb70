"""How long from a worker's start to its first job's result: ours against worker-comfyui's way, on the same ComfyUI.

usage: worker.py SDK_PYTHON HANDLER COMFYUI_DIR COMFYUI_PYTHON [ROUNDS]

SDK_PYTHON: with the packages of image/worker.lock, requests and websocket-client. HANDLER: the folder with
worker-comfyui's handler.py, which is started as its start.sh does: ComfyUI in the background, then the handler. (Its
start.sh imports torch before, to look for a GPU; that is left out, as it ends a worker that has none.)

Prints the seconds to the first result of a job from a stand-in of RunPod's queue, those of ten further ones, of which
one second is the SDK's, and the seconds of a job beside ComfyUI's own: twenty requests to the SDK's local server, which
calls the handler at once, less the time that ComfyUI's history has between a job's start and its success. Each job is a
picture of one colour.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.support.ports import free_ports
from tests.support.serverless.job_queue import JobQueue

_LIMIT_S = 300.0
#: Where start.sh writes ComfyUI's pid, and the handler looks whether ComfyUI lives; without it, it gives up after 25 s.
PID_FILE = Path("/tmp/comfyui.pid")  # noqa: S108 - theirs
_MORE, _SERVED = 10, 20
#: Where the SDK's local server listens.
_SERVER = "http://127.0.0.1:8000/runsync"
#: Names of the figures, in order.
_FIGURES = ("first result", "further job", "beside ComfyUI")
#: The processes of a worker: their command lines, environments and working directories.
Commands = list[tuple[list[str], dict[str, str], str]]


def workflow(number: int) -> dict[str, Any]:
    """A picture that no job before has had: ComfyUI keeps results."""
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": number}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "bench"}},
    }


@contextlib.contextmanager
def running(commands: Commands) -> Iterator[None]:
    """The processes of a worker."""
    processes = [
        subprocess.Popen(words, env=environ, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True)
        for words, environ, folder in commands
    ]  # fmt: skip
    PID_FILE.write_text(str(processes[0].pid))
    try:
        yield
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGTERM)
        PID_FILE.unlink(missing_ok=True)
        for process in processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def wait(queue: JobQueue, job_id: str) -> None:
    """Until a job has a result."""
    until = time.monotonic() + _LIMIT_S
    while job_id not in queue.results:
        if time.monotonic() > until:
            raise SystemExit(f"worker: no result of {job_id}")
        time.sleep(0.005)
    refuse_without_picture(queue.results[job_id][0])


def refuse_without_picture(result: dict[str, Any]) -> None:
    """Ends the benchmark where a job has failed."""
    if "images" not in result.get("output", {}):
        raise SystemExit(f"worker: {result}")


def queued(commands: Commands, queue: JobQueue) -> tuple[float, float]:
    """Seconds to the first result, and for one further job (median)."""
    queue.add("first", {"workflow": workflow(0)})
    began = time.monotonic()
    with running(commands):
        wait(queue, "first")
        first, further = time.monotonic() - began, []
        for number in range(1, _MORE + 1):
            began = time.monotonic()
            queue.add(f"job-{number}", {"workflow": workflow(number)})
            wait(queue, f"job-{number}")
            further.append(time.monotonic() - began)
    return first, statistics.median(further)


def served(commands: Commands, port: str) -> float:
    """Seconds of a job beside ComfyUI's own (median)."""
    with running(commands):
        until = time.monotonic() + _LIMIT_S
        while True:
            try:
                request(0)
                break
            except (urllib.error.URLError, OSError):  # the server is not there yet
                if time.monotonic() > until:
                    raise SystemExit("worker: the SDK's local server does not respond") from None
                time.sleep(0.05)
        whole = []
        for number in range(1, _SERVED + 1):
            began = time.monotonic()
            request(number)
            whole.append(time.monotonic() - began)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/history", timeout=_LIMIT_S) as response:
            entries = list(json.load(response).values())[1:]
    own: list[float] = []
    for entry in entries:
        at: dict[str, float] = {name: data["timestamp"] / 1000 for name, data in entry["status"]["messages"]}
        own.append(at["execution_success"] - at["execution_start"])
    return statistics.median(whole) - statistics.median(own)


def request(number: int) -> None:
    """One job by the SDK's local server."""
    body = json.dumps({"input": {"workflow": workflow(number)}}).encode()
    asked = urllib.request.Request(_SERVER, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=_LIMIT_S) as response:
        refuse_without_picture(json.load(response))


def theirs(folder: Path, sdk: str, handler: str, comfyui: str, python: str) -> tuple[float, ...]:
    """worker-comfyui's start.sh: ComfyUI on port 8188, then the handler."""
    for name in ("custom_nodes", "models", "input", "output", "user"):  # as in a clone
        (folder / name).mkdir()
    environ = {name: os.environ[name] for name in ("PATH", "HOME")}
    environ |= {"RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true", "RUNPOD_SKIP_GPU_CHECK": "true"}
    words = ["--disable-auto-launch", "--disable-metadata", "--cpu", "--base-directory", str(folder)]
    start = [python, "-u", f"{comfyui}/main.py", *words, "--database-url", "sqlite://"]

    def commands(more: dict[str, str], *serve: str) -> Commands:
        return [(start, environ, comfyui), ([sdk, "-u", "handler.py", *serve], environ | more, handler)]

    queue = JobQueue()
    serve = ("--rp_serve_api", "--rp_api_host", "127.0.0.1")
    return (*queued(commands(queue.environ), queue), served(commands({}, *serve), "8188"))


def ours(folder: Path, sdk: str, comfyui: str, python: str) -> tuple[float, ...]:
    """Our entrypoint, as in the container."""
    ports = free_ports()
    environ = {"PATH": os.environ["PATH"], "PODKEEPER_HOME": str(folder), "MODELS": "none"} | ports
    environ |= {"COMFYUI_DIR": comfyui, "COMFYUI_PYTHON": python, "WORKER_PYTHON": sdk, "COMFYUI_ENABLED": "true"}

    def commands(more: dict[str, str]) -> Commands:
        return [([sys.executable, "-I", "-m", "entrypoint"], environ | more, str(Path.cwd()))]

    queue = JobQueue()
    local = {"WORKER": "runpod", "SERVE_API_LOCALLY": "true"}
    return (*queued(commands(queue.environ), queue), served(commands(local), ports["COMFYUI_PORT"]))


def main(sdk: str, handler: str, comfyui: str, python: str, rounds: str = "3") -> int:
    """Measure both in turn; prints the medians and their ratio."""
    sides: dict[str, Callable[[Path], tuple[float, ...]]] = {
        "worker-comfyui": lambda folder: theirs(folder, sdk, handler, comfyui, python),
        "podkeeper": lambda folder: ours(folder, sdk, comfyui, python),
    }
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in sides}
    for turn in range(int(rounds) + 1):
        for name, side in sides.items():
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder) / "pod"
                place.mkdir()
                seconds = side(place)
            if turn:  # the first round warms the disk's caches
                found[name].append(seconds)
            figures = ", ".join(f"{what} {each:.3f} s" for what, each in zip(_FIGURES, seconds, strict=True))
            print(f"{name}: {figures}", flush=True)
    medians = {name: [statistics.median(each) for each in zip(*values, strict=True)] for name, values in found.items()}
    for index, what in enumerate(_FIGURES):
        mine, others = medians["podkeeper"][index], medians["worker-comfyui"][index]
        print(f"{what}: {mine:.3f} s against {others:.3f} s: {mine / others:.2f} x")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
