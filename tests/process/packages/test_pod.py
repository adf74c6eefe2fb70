"""Packages in a whole pod: installed, kept, restored in the next container, and taken back when they break ComfyUI."""

from __future__ import annotations

import json
import shutil
import subprocess
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
    wait_until(lambda: "kept on the volume: lib, node" in pod.log("podkeeper-nodes.log"), 20, "it is kept", 0.1)
    assert pod.stop() == 0
    new_container(pod.home)
    with running(pod.home, ON) as second:
        wait_until(lambda: state(second).get("good"), 60, "ComfyUI responds", 0.1)
        assert run_python(python_of(second), "import node, lib; print(node.__version__)") == "2.0"
        assert not {name for name in conditions(second) if name.startswith("Packages")}


def test_a_package_that_breaks_comfyuis_imports_is_taken_back_before_a_restart(pod: Pod, wheels: Path) -> None:
    assert install(python_of(pod), wheels, "node").returncode == 0
    wait_until(lambda: "kept on the volume: lib, node" in pod.log("podkeeper-nodes.log"), 20, "it is kept", 0.1)
    assert install(python_of(pod), wheels, "pydantic<2").returncode == 0
    wait_until(lambda: "PackagesRolledBack" in conditions(pod), 30, "it is taken back", 0.1)
    assert "pydantic 1 cannot be imported" in conditions(pod)["PackagesRolledBack"]
    assert conditions(pod)["PackagesRolledBack"].endswith("taken back: +pydantic 1.10")
    assert run_python(python_of(pod), "import node; print(node.__version__)") == "2.0"  # what was right stays
    assert run_python(python_of(pod), "import pydantic; print(pydantic.__version__)") == "2.12.0"
    assert pod.podkeeper("restart", "comfyui").returncode == 0
    wait_until(lambda: state(pod).get("good"), 60, "ComfyUI responds", 0.1)
    assert "killed" not in pod.log("comfyui.log")


def test_two_dead_starts_bring_the_last_good_packages_back(pod: Pod, wheels: Path) -> None:
    """What only ComfyUI itself finds out, not the trial import."""
    assert install(python_of(pod), wheels, "numpy==9.0").returncode == 0
    wait_until(lambda: "kept on the volume: numpy" in pod.log("podkeeper-nodes.log"), 20, "it is kept", 0.1)
    assert pod.podkeeper("restart", "comfyui").returncode in (0, 7)
    wait_until(lambda: "PackagesRolledBack" in conditions(pod), 60, "it is taken back", 0.1)
    assert "ComfyUI ended 2 times" in conditions(pod)["PackagesRolledBack"]
    assert "+numpy 9.0" in conditions(pod)["PackagesRolledBack"]
    wait_until(lambda: state(pod).get("good"), 60, "ComfyUI responds again", 0.1)
    assert run_python(python_of(pod), "import numpy; print(numpy.__version__)") == "2.3.0"


def test_a_volume_that_refuses_packages_is_a_condition_until_it_takes_them(pod: Pod, wheels: Path) -> None:
    stores = wait_until(
        lambda: [*(pod.home / "comfyui").glob(".podkeeper*/packages")], 20, "the first set is kept", 0.1
    )
    (store,) = stores
    shutil.rmtree(store)
    store.write_text("a file is in the way")
    assert install(python_of(pod), wheels, "lib").returncode == 0
    wait_until(lambda: "PackagesNotKept" in conditions(pod), 30, "it is reported", 0.1)
    store.unlink()
    assert install(python_of(pod), wheels, "node").returncode == 0  # the next change is tried at once
    wait_until(lambda: "PackagesNotKept" not in conditions(pod), 30, "it is kept", 0.1)


def test_a_damaged_archive_is_named(pod: Pod, wheels: Path) -> None:
    assert install(python_of(pod), wheels, "node").returncode == 0
    wait_until(lambda: "kept on the volume: lib, node" in pod.log("podkeeper-nodes.log"), 20, "it is kept", 0.1)
    assert pod.stop() == 0
    new_container(pod.home)
    (archive,) = (pod.home / "comfyui").glob(".podkeeper*/packages/*/archives/lib-*")
    archive.write_bytes(b"no archive")
    with running(pod.home, ON) as second:
        wait_until(lambda: "PackagesNotRestored" in conditions(second), 60, "it is named", 0.1)
        assert "lib (" in conditions(second)["PackagesNotRestored"]
        wait_until(lambda: state(second).get("good"), 60, "ComfyUI responds without it", 0.1)
        assert install(python_of(second), wheels, "lib").returncode == 0
        wait_until(lambda: "kept on the volume: lib" in second.log("podkeeper-nodes.log"), 20, "it is kept", 0.1)


def test_another_image_gets_what_was_asked_for(pod: Pod, wheels: Path) -> None:
    assert install(python_of(pod), wheels, "node", "numpy==2.3.0").returncode == 0
    wait_until(lambda: "kept on the volume: lib, node" in pod.log("podkeeper-nodes.log"), 20, "it is kept", 0.1)
    assert pod.stop() == 0
    new_container(pod.home)
    write_wheel(wheels, "extra", "1.0")
    assert install(pod.home / "comfyui-env/bin/python", wheels, "extra").returncode == 0  # another image
    offline = ON | {"PIP_NO_INDEX": "1"}
    with running(pod.home, offline) as second:
        wait_until(lambda: "PackagesOfAnotherImage" in conditions(second), 60, "it cannot be had", 0.1)
        assert "node (" in conditions(second)["PackagesOfAnotherImage"]
        assert second.stop() == 0
    with running(pod.home, offline | {"PIP_FIND_LINKS": str(wheels)}) as third:
        wait_until(lambda: "kept on the volume" in third.podkeeper("packages").stdout, 60, "adopted", 0.2)
        wait_until(lambda: "PackagesOfAnotherImage" not in conditions(third), 20, "the condition is gone", 0.1)
        assert run_python(python_of(third), "import node, lib; print(node.__version__)") == "2.0"


def test_the_command_lists_forgets_and_rolls_back(pod: Pod, wheels: Path) -> None:
    assert pod.podkeeper("packages", "forget", "node").returncode == 1
    assert install(python_of(pod), wheels, "node").returncode == 0
    wait_until(lambda: "kept on the volume: lib, node" in pod.log("podkeeper-nodes.log"), 20, "it is kept", 0.1)
    listed = " ".join(pod.podkeeper("packages").stdout.split())
    assert "lib 1.0 kept on the volume, as a dependency node 2.0 kept on the volume" in listed
    assert pod.podkeeper("packages", "forget", "Node").returncode == 0
    assert "node" not in pod.podkeeper("packages", "list").stdout
    assert pod.podkeeper("packages", "rollback").returncode == 0
    assert "none beside" in pod.podkeeper("packages", "list").stdout


def test_pip_and_python_in_a_terminal_are_comfyuis(pod: Pod, wheels: Path) -> None:
    environ = environ_of(pod)

    def shell(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", "-c", command], env=environ, capture_output=True, text=True, timeout=60)

    listed = shell("pip list | grep jupyter-server-terminals; pip list | grep torch")
    assert listed.stdout.split()[0].replace("_", "-") == "jupyter-server-terminals"
    assert "2.10.0+cu128" in listed.stdout
    ended = shell(f"pip install -q --no-index --find-links {wheels} node")
    assert ended.returncode == 0
    assert "ComfyUI's environment" in ended.stderr
    assert shell("python -c 'import node; print(node.__version__)'").stdout == "2.0\n"
    assert shell("uv --version").returncode == 127
    write_wheel(wheels, "uv", "1.0", files={"uv/__main__.py": "import os, sys; print(os.getenv(sys.argv[1]))"})
    assert shell(f"pip install -q --no-index --find-links {wheels} uv").returncode == 0
    env = f"{pod.home}/packages/env"
    for command in ("uv", "python -m uv", "python3 -m uv"):
        assert shell(f"{command} UV_CONSTRAINT").stdout == f"{env}/constraints.txt\n"
    assert shell("uv VIRTUAL_ENV").stdout == f"{env}\n"
    assert shell("VIRTUAL_ENV=/mine uv UV_CONSTRAINT").stdout == "None\n"  # activated by the user


def environ_of(pod: Pod) -> dict[str, str]:
    """The environment that supervisord hands on."""
    text = Path(f"/proc/{pod.process.pid}/environ").read_text()
    return dict(line.split("=", 1) for line in text.split("\0") if "=" in line)
