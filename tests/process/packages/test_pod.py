"""Packages in a whole pod: installed, kept, restored in the next container, and taken back when they break ComfyUI."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import FAKE_COMFYUI
from tests.support.package_environment import install, make_environment, run_python, write_wheel
from tests.support.pod import Pod, running
from tests.support.waiting import wait_until

MAIN = f"""
import runpy, sys
import torch, pydantic
if pydantic.__version__ < "2":
    sys.exit("needs pydantic 2")
import numpy
if numpy.__version__ == "9.0":
    sys.exit("only ComfyUI itself finds out")
runpy.run_path({str(FAKE_COMFYUI / "main.py")!r}, run_name="__main__")
"""
ON = {"COMFYUI_ENABLED": "true", "JUPYTER_ENABLED": "false", "CUDA_VISIBLE_DEVICES": "-1"}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    write_wheel(folder, "lib", "1.0")
    write_wheel(folder, "node", "2.0", requires=("lib", "torch>=2"))
    write_wheel(folder, "pydantic", "1.10", code="raise ImportError('pydantic 1 cannot be imported')")
    write_wheel(folder, "numpy", "9.0")
    return folder


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installation")
    make_environment(folder / "comfyui-env")
    (folder / "comfyui-env/.installed").write_text("")
    (folder / "comfyui-source").mkdir()
    (folder / "comfyui-source/main.py").write_text(MAIN)
    (folder / "comfyui-source/requirements.txt").write_text("")
    return folder


@pytest.fixture
def home(installation: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "pod"
    folder.mkdir()
    shutil.copytree(installation, folder, symlinks=True, dirs_exist_ok=True)
    return folder


@pytest.fixture
def pod(home: Path) -> Iterator[Pod]:
    with running(home, ON) as started:
        wait_until(lambda: state(started).get("good"), 60, "the first set is good", 0.1)
        yield started


def python_of(pod: Pod) -> str:
    return f"{pod.home}/packages/env/bin/python"


def state(pod: Pod) -> dict[str, Any]:
    path = pod.home / "packages/env/podkeeper-state.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def conditions(pod: Pod) -> dict[str, str]:
    folder = pod.home / "run/conditions"
    return {path.stem: json.loads(path.read_text())["reason"] for path in folder.glob("*.json")}


def new_container(home: Path) -> None:
    """What a removed container leaves: the volume alone."""
    shutil.rmtree(home / "packages")
    shutil.rmtree(home / "run")


def test_a_package_is_kept_while_the_pod_runs_and_is_there_in_the_next_container(pod: Pod, wheels: Path) -> None:
    assert install(python_of(pod), wheels, "node").returncode == 0
    wait_until(lambda: "kept on the volume: lib, node" in pod.log("podkeeper-packages.log"), 20, "it is kept", 0.1)
    assert pod.stop() == 0
    new_container(pod.home)
    with running(pod.home, ON) as second:
        wait_until(lambda: state(second).get("good"), 60, "ComfyUI responds", 0.1)
        assert run_python(python_of(second), "import node, lib; print(node.__version__)") == "2.0"
        assert not {name for name in conditions(second) if name.startswith("Packages")}


def test_a_package_that_breaks_comfyuis_imports_is_taken_back_before_a_restart(pod: Pod, wheels: Path) -> None:
    assert install(python_of(pod), wheels, "node").returncode == 0
    wait_until(lambda: "kept on the volume: lib, node" in pod.log("podkeeper-packages.log"), 20, "it is kept", 0.1)
    assert install(python_of(pod), wheels, "pydantic<2").returncode == 0
    wait_until(lambda: "PackagesRolledBack" in conditions(pod), 30, "it is taken back", 0.1)
    assert "pydantic 1 cannot be imported" in conditions(pod)["PackagesRolledBack"]
    assert run_python(python_of(pod), "import pydantic; print(pydantic.__version__)") == "2.12.0"
    assert pod.podkeeper("restart", "comfyui").returncode == 0
    wait_until(lambda: state(pod).get("good"), 60, "ComfyUI responds", 0.1)
    assert "killed" not in pod.log("comfyui.log")


def test_two_dead_starts_bring_the_last_good_packages_back(pod: Pod, wheels: Path) -> None:
    """What only ComfyUI itself finds out, not the trial import."""
    assert install(python_of(pod), wheels, "numpy==9.0").returncode == 0
    wait_until(lambda: "kept on the volume: numpy" in pod.log("podkeeper-packages.log"), 20, "it is kept", 0.1)
    assert pod.podkeeper("restart", "comfyui").returncode in (0, 7)
    wait_until(lambda: "PackagesRolledBack" in conditions(pod), 60, "it is taken back", 0.1)
    assert "ComfyUI ended 2 times" in conditions(pod)["PackagesRolledBack"]
    assert "-numpy 9.0" in conditions(pod)["PackagesRolledBack"]
    wait_until(lambda: state(pod).get("good"), 60, "ComfyUI responds again", 0.1)
    assert run_python(python_of(pod), "import numpy; print(numpy.__version__)") == "2.3.0"
