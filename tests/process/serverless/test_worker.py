"""A worker of RunPod Serverless with RunPod's own SDK: every job has one result, or one named failure.

WORKER_PYTHON: a Python with the packages of image/worker.lock.
"""

from __future__ import annotations

import base64
import os
import random
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.checkout import JOB_COMFYUI
from tests.support.pod import Pod, fake_python
from tests.support.serverless.job_queue import KEY, JobQueue
from tests.support.waiting import wait_until

PYTHON = os.environ.get("WORKER_PYTHON", "")
pytestmark = pytest.mark.skipif(not PYTHON, reason="no Python with RunPod's SDK: WORKER_PYTHON is not set")
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nrest").decode()
PICTURE = {"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "color": 0}}}


def _more_than(queue: JobQueue, count: int) -> bool:
    return len(queue.results) > count


def given(seconds: float = 0.05, kind: str = "Wait", **more: Any) -> dict[str, Any]:
    """The input of a job."""
    between = {"class_type": kind, "inputs": {"image": ["1", 0], **({"seconds": seconds} if kind == "Wait" else {})}}
    save = {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}}
    return {"workflow": {**PICTURE, "2": between, "9": save}, **more}


class Worker:
    """A pod that is a worker, and its queue."""

    def __init__(self, folder: Path, queue: JobQueue, **environ: str) -> None:
        self.queue = queue
        comfyui = {"COMFYUI_DIR": str(JOB_COMFYUI), "COMFYUI_PYTHON": str(fake_python(folder)), "WORKER_PYTHON": PYTHON}
        self.pod = Pod(folder / "home", {**comfyui, **queue.environ, **environ})

    def process(self, words: str) -> psutil.Process:
        return wait_until(
            lambda: next((each for each in self.pod.family() if words in " ".join(each.cmdline())), None), 60, words
        )

    def result(self, job_id: str, timeout: float = 60) -> dict[str, Any]:
        found = wait_until(lambda: self.queue.results.get(job_id), timeout, f"{job_id}; see {self.pod.output}", 0.05)
        return found[0]

    def runs(self, job_id: str) -> int:
        from entrypoint.jobs.records import prompt_id

        return (self.pod.home / "comfyui/ran").read_text().split().count(prompt_id(job_id))


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    found = Worker(tmp_path, JobQueue())
    yield found
    found.pod.stop()


def test_jobs_have_results_in_worker_comfyuis_shape(worker: Worker) -> None:
    queue = worker.queue
    loads = {"1": {"class_type": "LoadImage", "inputs": {"image": "cat.png"}}}
    workflow = given()["workflow"] | loads
    queue.add("a", {"workflow": workflow, "images": [{"name": "cat.png", "image": f"data:image/png;base64,{PNG}"}]})
    queue.add("b", {"workflow": {"1": {"class_type": "Nope", "inputs": {}}}})
    queue.add("c", given(kind="Fail"))
    queue.add("d", {})
    queue.add("long", given(6.0))
    (image,) = worker.result("a")["output"]["images"]
    assert (image["filename"][:2], image["type"], base64.b64decode(image["data"])[:4]) == ("x_", "base64", b"\x89PNG")
    assert "no class Nope" in worker.result("b")["error"]
    assert "the picture is upside down" in worker.result("c")["error"]
    assert worker.result("d")["error"] == "Missing 'workflow' parameter"
    worker.result("long")
    assert {"state", "progress"} <= queue.progress["long"][0].keys()
    queue.add("a", {"workflow": workflow})  # given again: its result, no second run
    wait_until(lambda: len(queue.results["a"]) == 2, 30, "again")
    assert queue.results["a"][0] == queue.results["a"][1]
    assert worker.runs("a") == 1
    assert queue.unauthorized == 0


def test_the_key_is_the_workers_alone(worker: Worker) -> None:
    worker.queue.add("a", given())
    worker.result("a")
    holders = []
    for each in worker.pod.family():
        try:
            inside = KEY in Path(f"/proc/{each.pid}/environ").read_text()
        except OSError:
            continue
        if inside:
            holders.append(" ".join(each.cmdline()))
        assert KEY not in " ".join(each.cmdline())
    started_with = [words for words in holders if "sdk_worker" not in words and "-m entrypoint" not in words]
    assert started_with == [], started_with
    assert KEY not in worker.pod.text


def test_100_jobs_with_faults_and_kills(tmp_path: Path) -> None:
    queue = JobQueue((401, 429, 500, "drop"), share=0.1)
    worker, chance = Worker(tmp_path, queue), random.Random(11)
    names = [f"job-{number}" for number in range(100)]
    wrong = set(names[::10])
    for name in names:
        queue.add(name, given(kind="Fail") if name in wrong else given(0.1 + chance.random() / 5))
    try:
        worker.result(names[0], 120)
        for turn in range(20):
            time.sleep(chance.random() / 2)
            worker.process(chance.choice(["job_comfyui/main.py", "sdk_worker.py", "-m entrypoint.jobs"])).kill()
            wait_until(partial(_more_than, queue, len(queue.results)), 120, f"it goes on after kill {turn}", 0.1)
        wait_until(lambda: len(queue.results) == len(names), 240, "all have ended", 0.2)
        for name in names:
            assert len({str(sorted(each.items())) for each in queue.results[name]}) == 1, queue.results[name]
            assert ("error" in queue.results[name][0]) is (name in wrong), queue.results[name]
    finally:
        worker.pod.stop()
