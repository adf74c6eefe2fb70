"""ComfyUI's queue survives, with real ComfyUI on the CPU: a kill -9, and a container removed and made anew.

PODKEEPER_REAL_IMAGE names an image with real ComfyUI in it; docs/image.md says how to build one.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.container.engine import Container, docker, running, volume
from tests.support.container.real_comfyui import REAL_IMAGE, STARTUP, object_info
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(not REAL_IMAGE, reason="no image with real ComfyUI: PODKEEPER_REAL_IMAGE is not set")
#: Seconds of five workflows, each a few on two cores.
RUN = 180.0
#: Radius of the blur: seconds of work for a core node without a model.
RADIUS, SIZE = 31, 640


def workflow(number: int) -> dict[str, Any]:
    """A picture of its own, so that nothing is cached, some seconds of work, and a saved file."""
    size = {"width": SIZE, "height": SIZE, "batch_size": 1, "color": 1000 * number}
    return {
        "1": {"class_type": "EmptyImage", "inputs": size},
        "2": {"class_type": "ImageBlur", "inputs": {"image": ["1", 0], "blur_radius": RADIUS, "sigma": 9.0}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": f"made{number}"}},
    }


def ask(pod: Container, path: str, body: Any = None) -> Any:
    """ComfyUI's JSON response, at its own port."""
    more = ("--json", json.dumps(body)) if body is not None else ()
    return json.loads(docker("exec", pod.id, "curl", "-sf", *more, f"http://127.0.0.1:18188{path}").stdout or "null")


def ids(pod: Container, which: str) -> list[str]:
    return [item[1] for item in sorted(ask(pod, "/queue")[f"queue_{which}"])]


def queue_five(pod: Container) -> list[str]:
    """Queue five workflows; returns their ids once the second one runs."""
    wait_until(lambda: object_info(pod, "SaveImage"), STARTUP, "ComfyUI serves", 0.5)
    bodies = [{"prompt": workflow(n), "client_id": "a-browser"} for n in range(1, 6)]
    found = [ask(pod, "/prompt", body)["prompt_id"] for body in bodies]
    wait_until(lambda: ids(pod, "running") == found[1:2], RUN, "the second runs", 0.05)
    assert ids(pod, "pending") == found[2:]
    return found


def wait_for_the_rest(pod: Container, wanted: list[str]) -> None:
    """The workflows 2 to 5 run, each once, in order, and their files are there, once."""
    wait_until(lambda: object_info(pod, "SaveImage"), STARTUP, f"ComfyUI serves again; {pod.log[-3000:]}", 0.5)
    wait_until(lambda: len(ask(pod, "/history")) == 4, RUN, f"the rest has run; {pod.log[-3000:]}", 0.5)
    history = ask(pod, "/history")
    assert list(history) == wanted[1:]
    assert {each["status"]["status_str"] for each in history.values()} == {"success"}
    assert {each["prompt"][3]["client_id"] for each in history.values()} == {"a-browser"}
    files = sorted(pod.run("ls /comfyui/output").split())
    assert [name for name in files if name.startswith("made")] == [f"made{n}_00001_.png" for n in range(1, 6)]
    assert pod.run("podkeeper queue list").strip() == "the queue is empty"


def test_a_killed_comfyui_runs_the_rest_each_once() -> None:
    with (
        volume() as name,
        running(REAL_IMAGE, "--env", "JUPYTER_ENABLED=false", "--volume", f"{name}:/workspace") as pod,
    ):
        wanted = queue_five(pod)
        pod.run("pkill -9 -f '^[^ ]*python.*main.py .*--port 18188'")
        wait_for_the_rest(pod, wanted)


def test_a_container_made_anew_on_the_same_volume_runs_the_rest_each_once() -> None:
    options = ("--env", "JUPYTER_ENABLED=false")
    with volume() as name:
        with running(REAL_IMAGE, *options, "--volume", f"{name}:/workspace") as pod:
            wanted = queue_five(pod)
            docker("kill", pod.id)  # no time to say anything
        with running(REAL_IMAGE, *options, "--volume", f"{name}:/workspace") as pod:
            wait_for_the_rest(pod, wanted)
