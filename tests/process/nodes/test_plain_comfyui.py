"""What a pod leaves in the data folder is read by a plain ComfyUI, wherever the folder is then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoint.volumes.layout import CHECKPOINTS_LINK, FOLDERS, MODEL_FOLDERS
from tests.support.node_repositories import new_repository
from tests.support.pod import Pod, environ_for, running
from tests.support.waiting import wait_until

REAL = os.environ.get("COMFYUI_DIR", "")
#: ComfyUI's own code, with the folder as its base directory: models by kind, and where nodes and results are.
LISTING = """
import json, sys
sys.argv = ["main.py", "--base-directory", sys.argv[1]]
import comfy.options
comfy.options.enable_args_parsing()
import folder_paths as f
found = {kind: f.get_filename_list(kind) for kind in f.folder_names_and_paths if kind != "custom_nodes"}
folders = [*f.get_folder_paths("custom_nodes"), f.output_directory, f.input_directory, f.user_directory]
print(json.dumps([found, folders]))
"""


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a pod in which everything has run, after its end, in another place."""
    top = tmp_path_factory.mktemp("plain")
    repository = new_repository(top / "MyNode", {"__init__.py": "NODE_CLASS_MAPPINGS = {}"})
    with running(top / "pod", environ_for(top) | {"COMFYUI_ENABLED": "true"}) as pod:
        pod.wait_for_jupyter()
        data = pod.home / "comfyui"
        wait_until(lambda: (data / "models" / CHECKPOINTS_LINK).is_symlink(), 30, "the folders are made")
        used(pod, repository)
        for name in ("models/loras/style.safetensors", "output/picture.png", "input/photo.png"):
            (data / name).write_text(name)
    os.rename(data, top / "elsewhere")
    return top / "elsewhere"


def used(pod: Pod, repository: Path) -> None:
    """What people do: a node, its lock, an export."""
    for words in (("nodes", "install", str(repository)), ("nodes", "lock"), ("export",)):
        ended = pod.podkeeper(*words)
        assert ended.returncode == 0, ended.stderr


def test_no_link_is_absolute(left: Path) -> None:
    """One would lead into the pod, or nowhere, where the volume is mounted elsewhere."""
    links = [path for path in left.rglob("*") if path.is_symlink()]
    assert links
    assert [path for path in links if os.readlink(path).startswith("/") or not path.exists()] == []


def test_nothing_of_the_pods_is_among_what_comfyui_reads(left: Path) -> None:
    assert {path.name for path in left.iterdir() if path.is_dir() and path.name[0] != "."} == {
        *(name for name in FOLDERS if "/" not in name), "export",
    }  # fmt: skip
    assert {path.name for path in (left / "models").iterdir()} == {*MODEL_FOLDERS, CHECKPOINTS_LINK}
    assert [path for path in (left / "models").rglob("*") if path.is_file()] == [
        left / "models/loras/style.safetensors"
    ]
    assert [path.name for path in (left / "custom_nodes").iterdir()] == ["MyNode"]
    assert [path.name for path in (left / "output").iterdir()] == ["picture.png"]
    assert [path.name for path in (left / "input").iterdir()] == ["photo.png"]
    assert [path.name for path in (left / "user").iterdir() if path.name not in ("default", "__manager")] == []


def test_the_export_is_in_the_data_folder(left: Path) -> None:
    assert "MyNode" in (left / "export/snapshot.json").read_text()
    assert "git clone" in (left / "export/README.txt").read_text()


@pytest.mark.skipif(not REAL, reason="no real ComfyUI: COMFYUI_DIR is not set")
def test_comfyui_itself_lists_it(left: Path) -> None:
    command = [sys.executable, "-c", LISTING, str(left)]
    ended = subprocess.run(command, cwd=REAL, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    found, folders = json.loads(ended.stdout.splitlines()[-1])
    assert {kind: files for kind, files in found.items() if files} == {"loras": ["style.safetensors"]}
    assert folders == [f"{left}/{name}" for name in ("custom_nodes", "output", "input", "user")]
