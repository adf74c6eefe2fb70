"""Custom nodes that end ComfyUI at its start: it serves the others, and the condition says which and why."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import FAKE_COMFYUI
from tests.support.package_environment import make_environment
from tests.support.pod import Pod, running
from tests.support.waiting import wait_until

#: Loads nodes as ComfyUI does (nodes.py), and then responds.
MAIN = f"""
import argparse, importlib.util, os, runpy, sys, time
import torch
parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--base-directory")
parser.add_argument("--disable-all-custom-nodes", action="store_true")
parser.add_argument("--whitelist-custom-nodes", nargs="+", default=[])
known, _ = parser.parse_known_args()
folder = known.base_directory + "/custom_nodes"
times = []
for name in sorted(os.listdir(folder)):
    path = folder + "/" + name
    if name == "__pycache__" or known.disable_all_custom_nodes and name not in known.whitelist_custom_nodes:
        continue
    file = path + "/__init__.py" if os.path.isdir(path) else path
    spec = importlib.util.spec_from_file_location(name.replace(".", "_"), file)
    failed = ""
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        print("loaded", name, flush=True)
    except Exception as error:
        print(f"Cannot import {{path}} module for custom nodes: {{error}}", flush=True)
        failed = " (IMPORT FAILED)"
    times.append(f"   0.0 seconds{{failed}}: {{path}}")
print("Import times for custom nodes:", *times, sep="\\n", flush=True)
runpy.run_path({str(FAKE_COMFYUI / "main.py")!r}, run_name="__main__")
"""
ON = {"COMFYUI_ENABLED": "true", "JUPYTER_ENABLED": "false", "CUDA_VISIBLE_DEVICES": "-1", "NODES_TIMEOUT": "3"}
BAD = {
    "sys.exit": "import sys; sys.exit(3)",
    "a segmentation fault": "import ctypes; ctypes.string_at(0)",
    "an endless loop": "while True: pass",
    "os._exit": "import os; os._exit(0)",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "pod"
    make_environment(home / "comfyui-env", {"torch": "2.10.0"})
    (home / "comfyui-env/.installed").write_text("")
    (home / "comfyui-source").mkdir()
    (home / "comfyui-source/main.py").write_text(MAIN)
    (home / "comfyui-source/requirements.txt").write_text("")
    (home / "comfyui/custom_nodes/Good").mkdir(parents=True)
    (home / "comfyui/custom_nodes/Good/__init__.py").write_text("")
    return home


def conditions(pod: Pod) -> dict[str, str]:
    folder = pod.home / "run/conditions"
    return {path.stem: json.loads(path.read_text())["reason"] for path in folder.glob("*.json")}


@pytest.fixture
def pod(home: Path, request: pytest.FixtureRequest) -> Iterator[Pod]:
    add_node(home, "Bad", request.param)
    with running(home, ON) as started:
        yield started


def add_node(home: Path, name: str, code: str) -> None:
    folder = home / "comfyui/custom_nodes" / name
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").write_text(code)


def responds(pod: Pod) -> bool:
    return "loaded Good" in pod.log("comfyui.log") and "ComfyUI is up" in pod.text


@pytest.mark.parametrize("pod", BAD.values(), ids=BAD, indirect=True)
def test_comfyui_serves_the_others_and_says_which_node_is_left_out(pod: Pod) -> None:
    began = time.monotonic()
    wait_until(lambda: "NodeLeftOut" in conditions(pod), 60, "the node is left out", 0.1)
    wait_until(lambda: responds(pod), 60, "ComfyUI serves", 0.1)
    print(f"after {time.monotonic() - began:.1f} s")
    reason = conditions(pod)["NodeLeftOut"]
    assert "without the custom node Bad" in reason
    files = sorted(path.name for path in (pod.home / "comfyui/custom_nodes").iterdir() if path.name != "__pycache__")
    assert files == ["Bad", "Good"]


@pytest.mark.parametrize("pod", [BAD["sys.exit"]], indirect=True)
def test_a_node_that_changes_is_tried_again(pod: Pod) -> None:
    wait_until(lambda: responds(pod), 60, "ComfyUI serves", 0.1)
    assert pod.stop() == 0
    with running(pod.home, ON) as second:  # another start alone does not try it
        wait_until(lambda: "ComfyUI is up" in second.text, 60, "ComfyUI serves", 0.1)
        assert "NodeLeftOut" in conditions(second)
        assert second.stop() == 0
    add_node(pod.home, "Bad", "print('mended')")
    with running(pod.home, ON) as third:
        wait_until(lambda: "loaded Bad" in third.log("comfyui.log"), 60, "it is loaded", 0.1)
        assert "NodeLeftOut" not in conditions(third)


@pytest.mark.parametrize("pod", ["import nowhere"], indirect=True)
def test_a_node_that_cannot_be_imported_is_named(pod: Pod) -> None:
    wait_until(lambda: "NodesNotLoaded" in conditions(pod), 60, "it is named", 0.1)
    assert conditions(pod)["NodesNotLoaded"].endswith("Bad (No module named 'nowhere')")
    add_node(pod.home, "Bad", "")
    assert pod.podkeeper("restart", "comfyui").returncode == 0
    wait_until(lambda: "NodesNotLoaded" not in conditions(pod), 60, "it is loaded", 0.1)


#: Ends ComfyUI once all nodes are loaded: no node is being loaded then.
LATER = """
import os, sys
sys.addaudithook(lambda event, arguments: event == "socket.__new__" and os._exit(4))
"""


@pytest.mark.parametrize("pod", [LATER], indirect=True)
def test_a_node_that_nothing_names_is_found_by_leaving_out_half_of_them(pod: Pod) -> None:
    for name in ("Another", "One more", "Zero"):
        add_node(pod.home, name, "")
    wait_until(lambda: "the custom node Bad: " in conditions(pod).get("NodeLeftOut", ""), 100, "it is found", 0.1)
    lock = pod.home / "comfyui/nodes.lock"
    wait_until(lambda: lock.exists() and lock.read_text().count("[[nodes]]") == 4, 60, "it serves the others", 0.1)
    assert pod.podkeeper("nodes", "list").stdout.count("loaded") == 4
    reason = conditions(pod)["NodeLeftOut"]
    assert reason == (
        "ComfyUI starts without the custom node Bad: ComfyUI ends before it responds with it, and responds without it"
    )


@pytest.mark.parametrize("pod", [""], indirect=True)
def test_a_start_that_fails_says_why_until_comfyui_responds(pod: Pod) -> None:
    wait_until(lambda: responds(pod), 60, "ComfyUI serves", 0.1)
    main = pod.home / "comfyui-source/main.py"
    whole = main.read_text()
    main.write_text("raise RuntimeError('Found no NVIDIA driver on your system.')")
    assert pod.podkeeper("restart", "comfyui").returncode in (0, 7)
    wait_until(lambda: "ComfyUIFails" in conditions(pod), 60, "it is named", 0.1)
    reason = conditions(pod)["ComfyUIFails"]
    assert re.search(r"ended \d+ times in a row before it responded", reason)
    assert reason.endswith("RuntimeError: Found no NVIDIA driver on your system.")
    assert "Found no NVIDIA driver" in pod.podkeeper("status").stdout
    main.write_text(whole)
    wait_until(lambda: "ComfyUIFails" not in conditions(pod), 60, "it is over", 0.1)


@pytest.mark.parametrize("pod", [""], indirect=True)
def test_a_wrong_argument_is_named_at_once(pod: Pod) -> None:
    wait_until(lambda: responds(pod), 60, "ComfyUI serves", 0.1)
    main = pod.home / "comfyui-source/main.py"
    main.write_text("import argparse; argparse.ArgumentParser(prog='main.py').parse_args()")
    assert pod.podkeeper("restart", "comfyui").returncode in (0, 7)
    wait_until(lambda: "ComfyUIFails" in conditions(pod), 60, "it is named", 0.1)
    assert re.search(r"ended (once|\d+ times in a row) before", conditions(pod)["ComfyUIFails"])
    assert "unrecognized arguments: --listen" in conditions(pod)["ComfyUIFails"]
