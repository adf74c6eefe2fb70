"""Bad nodes with real ComfyUI: it serves the others, and the page says which node is left out and why.

PODKEEPER_REAL_IMAGE names an image with real ComfyUI in it; docs/image.md says how to build one.
"""

from __future__ import annotations

import json
import time

import pytest

from tests.support.container.engine import TOKEN, Container, docker, running, volume
from tests.support.container.real_comfyui import REAL_IMAGE, STARTUP, object_info
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(not REAL_IMAGE, reason="no image with real ComfyUI: PODKEEPER_REAL_IMAGE is not set")
TIMEOUT = 20
GOOD = """
class Good:
    RETURN_TYPES, FUNCTION, CATEGORY = (), "run", "probe"
    INPUT_TYPES = classmethod(lambda cls: {"required": {}})
    def run(self): return ()
NODE_CLASS_MAPPINGS = {"PodkeeperGood": Good}
"""
#: What a node does -> seconds until ComfyUI serves the others.
BAD = {
    "import sys; sys.exit(3)": 60,
    "import ctypes; ctypes.string_at(0)": 60,
    "while True: pass": TIMEOUT + 60,
}
CRASH = GOOD.replace("Good", "Crash").replace("return ()", "import ctypes; ctypes.string_at(0)").replace(
    'NODE_CLASS', 'Crash.OUTPUT_NODE = True\nNODE_CLASS'
)  # fmt: skip


def add(pod: Container, name: str, code: str) -> None:
    docker("exec", pod.id, "mkdir", "-p", f"/comfyui/custom_nodes/{name}")
    docker("exec", pod.id, "python3", "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])",
           f"/comfyui/custom_nodes/{name}/__init__.py", code)  # fmt: skip


def nodes_of(pod: Container) -> dict[str, str]:
    """Node -> state and reason, of the status page."""
    words = ("curl", "-sf", "-H", f"Authorization: Bearer {TOKEN}", "http://127.0.0.1:8190/status.json")
    content = json.loads(docker("exec", pod.id, *words).stdout)
    return {each["name"]: f"{each['state']}: {each['reason']}" for each in content["nodes"]["nodes"]}


@pytest.mark.parametrize(("code", "seconds"), BAD.items())
def test_comfyui_serves_the_others(code: str, seconds: int) -> None:
    options = ("--env", f"NODES_TIMEOUT={TIMEOUT}", "--env", "JUPYTER_ENABLED=false")
    with volume() as name, running(REAL_IMAGE, *options, "--volume", f"{name}:/workspace") as pod:
        pod.wait_for_log("ComfyUI is up", STARTUP)  # warm: torch is in the page cache, as after a user's first start
        add(pod, "Good", GOOD)
        add(pod, "Bad", code)
        began = time.monotonic()
        pod.run("podkeeper restart comfyui", check=False)
        wait_until(lambda: object_info(pod, "PodkeeperGood"), seconds, f"ComfyUI serves; {pod.log[-3000:]}", 0.5)
        print(f"{code}: served after {time.monotonic() - began:.1f} s")
        wait_until(lambda: nodes_of(pod).get("Good") == "loaded: ", 30, "the page follows", 0.5)
        assert nodes_of(pod)["Bad"].startswith("left out: it ended ComfyUI")
        print(nodes_of(pod)["Bad"])


def test_a_node_that_crashes_comfyui_twice_at_its_first_use_is_left_out() -> None:
    prompt = json.dumps({"prompt": {"1": {"class_type": "PodkeeperCrash", "inputs": {}}}})
    with (
        volume() as name,
        running(REAL_IMAGE, "--env", "JUPYTER_ENABLED=false", "--volume", f"{name}:/workspace") as pod,
    ):
        pod.wait_for_log("ComfyUI is up", STARTUP)
        add(pod, "Good", GOOD)
        add(pod, "Crash", CRASH)
        pod.run("podkeeper restart comfyui", check=False)
        for _ in range(2):
            wait_until(lambda: object_info(pod, "PodkeeperCrash"), 60, "ComfyUI serves", 0.5)
            pod.run(f"curl -s -d '{prompt}' http://127.0.0.1:18188/prompt", check=False)
            wait_until(lambda: not object_info(pod, "PodkeeperCrash"), 60, "it has crashed", 0.5)
        wait_until(lambda: object_info(pod, "PodkeeperGood"), 60, "ComfyUI serves the others", 0.5)
        wait_until(lambda: nodes_of(pod)["Crash"].startswith("left out"), 30, "the page follows", 0.5)
        assert "2 times within a minute of its first use: killed by SIGSEGV" in nodes_of(pod)["Crash"]
