"""Other versions of ComfyUI in a whole pod, with real git and real pip: switched to, refused, reverted, kept."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.comfyui_versions import make_versions, tree
from tests.support.file_systems import mounted, needs_mount
from tests.support.node_repositories import git
from tests.support.package_environment import make_environment, run_python, write_wheel
from tests.support.pod import TOKEN, Pod, running
from tests.support.waiting import wait_until

VERSIONS = {
    "v1.0.0": tree("1.0.0"),
    "v1.1.0": tree("1.1.0", "import lib\nassert lib.__version__ == '1.1'", "lib==1.1\ntorch\n"),
    "crashes": tree("1.2.0", "sys.exit('this version cannot start')"),
    "torch": tree("1.3.0", requirements="torch>=99\n"),
    "loses": tree("1.4.0", failing=("Old",)),
    "reverts": tree("1.5.0", "if own: sys.exit('only at its own port')"),
    "other": tree("1.6.0", main=False),
    "nowhere": tree("1.7.0", requirements="nowhere-to-be-found==1\n"),
}
ON = {"COMFYUI_ENABLED": "true", "JUPYTER_ENABLED": "false", "CUDA_VISIBLE_DEVICES": "-1"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installation of every pod here, the repository, and the package index."""
    folder = tmp_path_factory.mktemp("world")
    make_environment(folder / "pod/comfyui-env")
    (folder / "pod/comfyui-env/.installed").write_text("")
    source = folder / "pod/comfyui-source"
    source.mkdir()
    for name, text in VERSIONS["v1.0.0"].items():
        (source / name).write_text(text)
    for name in ("Old", "New"):
        (folder / "pod/comfyui/custom_nodes" / name).mkdir(parents=True)
        (folder / "pod/comfyui/custom_nodes" / name / "__init__.py").write_text("")
    make_versions(folder / "repository", VERSIONS)
    (folder / "wheels").mkdir()
    write_wheel(folder / "wheels", "lib", "1.1")
    write_wheel(folder / "wheels", "node", "2.0")
    return folder


@pytest.fixture
def home(world: Path, tmp_path: Path) -> Path:
    shutil.copytree(world / "pod", tmp_path / "pod", symlinks=True)
    return tmp_path / "pod"


def environ_of(world: Path, **more: str) -> dict[str, str]:
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(world / "wheels")}
    return ON | index | {"COMFYUI_REPO": str(world / "repository")} | more


@pytest.fixture
def pod(world: Path, home: Path) -> Iterator[Pod]:
    with running(home, environ_of(world)) as started:
        wait_until(lambda: loads(started), 60, "ComfyUI has loaded the nodes", 0.1)
        yield started


def loads(pod: Pod) -> bool:
    path = pod.home / "run/reports/node-imports.json"
    return path.exists() and "Old" in json.loads(path.read_text())["loaded"]


def version(pod: Pod) -> str:
    """The version that responds at ComfyUI's port."""
    address = f"http://127.0.0.1:{pod.comfyui_port}/system_stats"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {TOKEN}"})
    with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(request, timeout=5) as response:
        return str(json.load(response)["system"]["comfyui_version"])
    return ""


def wait_for(pod: Pod, wanted: str) -> None:
    wait_until(lambda: version(pod) == wanted, 60, f"ComfyUI {wanted} responds", 0.1)


def pid(pod: Pod) -> int:
    found = [each.pid for each in pod.family() if "comfyui-source/main.py" in " ".join(each.cmdline())]
    return found[0] if found else 0


def trials(pod: Pod) -> list[int]:
    """The trials that run, also of a command that is gone."""
    begin = f"{pod.home}/packages/comfyui/trial-"
    found = psutil.process_iter(["pid", "cmdline"])
    return [each.pid for each in found if any(word.startswith(begin) for word in each.info["cmdline"] or ())]


def reasons(pod: Pod) -> dict[str, str]:
    folder = pod.home / "run/conditions"
    return {path.stem: json.loads(path.read_text())["reason"] for path in folder.glob("ComfyUIVersion*.json")}


def test_a_version_is_used_and_left_again(pod: Pod, world: Path) -> None:
    image = pod.home / "comfyui-env"
    before = sorted(str(path) for path in image.rglob("*") if "__pycache__" not in path.parts)
    python = f"{pod.home}/packages/env/bin/python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "node"], env=pod.environ, check=True, timeout=60)
    used = pod.podkeeper("comfyui", "use", "1.1.0")
    assert (used.returncode, used.stderr) == (0, "")
    assert "it responds, with 1 types of nodes, 2 custom nodes" in used.stdout
    assert version(pod) == "1.1.0"
    code = "import lib, node, torch; print(lib.__version__, node.__version__, torch.__version__)"
    assert run_python(python, code) == "1.1 2.0 2.10.0+cu128"
    listed = pod.podkeeper("comfyui", "list").stdout
    assert "v1.1.0" in listed
    assert "on the volume <- chosen" in listed
    # A node may be lost on request; then back from there.
    assert pod.podkeeper("comfyui", "use", "image").returncode == 0
    assert pod.podkeeper("comfyui", "use", "loses", "--anyway").returncode == 0
    assert version(pod) == "1.4.0"
    back = pod.podkeeper("comfyui", "rollback")
    assert (back.returncode, version(pod)) == (0, "1.0.0"), back
    assert run_python(python, "import node, importlib.util as u; print(u.find_spec('lib'))") == "None"
    assert sorted(str(path) for path in image.rglob("*") if "__pycache__" not in path.parts) == before
    assert "the chosen one already" in pod.podkeeper("comfyui", "use", "image").stdout


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("v9.9.9", "has no tag or branch v9.9.9"),
        ("crashes", "ComfyUI crashes does not start: this version cannot start"),
        ("torch", "it asks for torch>=99, and this image has torch 2.10.0"),
        ("nowhere", "what it asks for cannot be installed"),
        ("loses", "cannot be imported by ComfyUI loses: Old (no longer there)"),
        ("other", "is no ComfyUI: it has no main.py"),
        ("0" * 40, "cannot clone"),
    ],
)
def test_what_cannot_be_used_leaves_the_running_one_alone(shared_pod: Pod, name: str, words: str) -> None:
    running_pid = pid(shared_pod)
    ended = shared_pod.podkeeper("comfyui", "use", name)
    assert ended.returncode == 1
    assert words in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert (pid(shared_pod), version(shared_pod)) == (running_pid, "1.0.0")
    assert not (shared_pod.home / "comfyui/.podkeeper/comfyui-version.json").exists()


@needs_mount
def test_a_volume_that_is_full_leaves_the_running_one_alone(shared_pod: Pod) -> None:
    running_pid, state = pid(shared_pod), shared_pod.home / "comfyui/.podkeeper"
    with mounted("-t", "tmpfs", "-o", "size=16k", "none", at=state):
        with contextlib.suppress(OSError):  # to the last page
            (state / "filler").write_bytes(bytes(32 << 10))
        ended = shared_pod.podkeeper("comfyui", "use", "v1.1.0")
    assert (ended.returncode, ended.stderr) == (1, "podkeeper: cannot use ComfyUI v1.1.0: No space left on device\n")
    assert "it is not kept on the volume" in ended.stdout
    assert (pid(shared_pod), version(shared_pod)) == (running_pid, "1.0.0")
    assert not (shared_pod.home / "run/requests/comfyui-hold").exists()


@pytest.fixture(scope="module")
def shared_pod(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    folder = tmp_path_factory.mktemp("shared") / "pod"
    shutil.copytree(world / "pod", folder, symlinks=True)
    with running(folder, environ_of(world)) as started:
        wait_until(lambda: loads(started), 60, "ComfyUI has loaded the nodes", 0.1)
        yield started


def test_a_version_that_does_not_come_up_is_reverted(pod: Pod) -> None:
    ended = pod.podkeeper("comfyui", "use", "reverts")
    assert ended.returncode == 1
    words = "ComfyUI reverts ended 2 times before it responded, so the image's version runs again"
    assert words in ended.stderr
    wait_for(pod, "1.0.0")
    assert reasons(pod)["ComfyUIVersionReverted"] == words
    # And where the command is gone that has switched.
    state = pod.home / "comfyui/.podkeeper/comfyui-version.json"
    commit = git(Path(pod.environ["COMFYUI_REPO"]), "rev-parse", "reverts")
    chosen = {"name": "reverts", "repository": "/r", "commit": commit}
    state.write_text(json.dumps({"version": chosen, "before": None, "proven": False, "at": time.time()}))
    pod.podkeeper("restart", "comfyui")
    wait_until(lambda: json.loads(state.read_text())["version"] is None, 60, "the version is reverted", 0.1)
    wait_for(pod, "1.0.0")
    assert pod.podkeeper("comfyui", "use", "v1.1.0").returncode == 0
    wait_until(lambda: not reasons(pod), 10, "the condition is cleared")


def test_a_switch_waits_for_the_queue(pod: Pod) -> None:
    busy = pod.home / "comfyui/busy"
    busy.touch()
    code = "import sys; from entrypoint.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-I", "-c", code, "comfyui", "use", "v1.1.0"]
    first = pid(pod)
    with subprocess.Popen(command, env=pod.environ, stdout=subprocess.PIPE, text=True) as use:
        assert use.stdout
        for line in use.stdout:
            if "waiting for ComfyUI's queue: 1 running, 0 waiting" in line:
                break
        assert (use.poll(), pid(pod), version(pod)) == (None, first, "1.0.0")
        busy.unlink()
        assert use.wait(60) == 0
    assert version(pod) == "1.1.0"
    assert not (pod.home / "run/requests/comfyui-hold").exists()


def test_the_setting_brings_a_version_which_a_new_container_has_at_once(world: Path, home: Path) -> None:
    write_package = [f"{home}/packages/env/bin/python", "-m", "pip", "install", "--quiet", "node"]
    environ = environ_of(world, COMFYUI_VERSION="v1.1.0")
    with running(home, environ) as pod:
        wait_for(pod, "1.1.0")
        subprocess.run(write_package, env=pod.environ, check=True, timeout=60)
        kept = home / "comfyui/.podkeeper/packages"
        wait_until(lambda: list(kept.rglob("node-2.0-*.tar.zst")), 60, "the package is kept", 0.1)
    shutil.rmtree(home / "packages")
    with running(home, environ | {"COMFYUI_REPO": "/nowhere", "PIP_FIND_LINKS": "/nowhere"}) as pod:
        wait_for(pod, "1.1.0")
        python = f"{home}/packages/env/bin/python"
        assert run_python(python, "import lib, node; print(lib.__version__, node.__version__)") == "1.1 2.0"
        assert not reasons(pod) or "ComfyUIVersionMissing" not in reasons(pod)


def test_a_setting_that_cannot_be_used_is_a_condition(world: Path, home: Path) -> None:
    with running(home, environ_of(world, COMFYUI_VERSION="v9.9.9")) as pod:
        wait_until(lambda: reasons(pod), 60, "the condition", 0.1)
        assert "has no tag or branch v9.9.9" in reasons(pod)["ComfyUIVersionNotUsed"]
        assert version(pod) == "1.0.0"


def test_without_its_archive_the_images_version_runs(world: Path, home: Path) -> None:
    chosen = {"version": {"name": "v1.1.0", "repository": "/r", "commit": "1" * 40}, "before": None, "proven": True}
    state = home / "comfyui/.podkeeper/comfyui-version.json"
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps(chosen))
    with running(home, environ_of(world)) as pod:
        wait_for(pod, "1.0.0")
        reason = reasons(pod)["ComfyUIVersionMissing"]
        assert reason == (
            "ComfyUI v1.1.0 is chosen, but the volume has no archive of it for this image: the image's 1.0.0 runs"
        )
        state.write_text("[]")
        assert pod.podkeeper("restart", "comfyui").returncode == 0
        wait_until(lambda: not reasons(pod), 20, "the condition is cleared", 0.1)


def test_a_switch_that_is_killed_leaves_a_good_start(world: Path, home: Path) -> None:
    code = "import sys; from entrypoint.cli import main; sys.exit(main(sys.argv[1:]))"
    moments = random.Random(20)
    with running(home, environ_of(world)) as pod:
        wait_for(pod, "1.0.0")
        for number in range(10):
            name = ("v1.1.0", "image")[number % 2]
            command = [sys.executable, "-I", "-c", code, "comfyui", "use", name]
            use = subprocess.Popen(command, env=pod.environ, stdout=subprocess.DEVNULL, start_new_session=True)
            with contextlib.suppress(subprocess.TimeoutExpired):
                use.wait(moments.uniform(0.1, 2.5))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(use.pid, signal.SIGKILL)
            use.wait(10)
            wait_until(lambda: not trials(pod), 10, "no trial is left running")
            wait_until(lambda: version(pod) in ("1.0.0", "1.1.0"), 60, "ComfyUI responds", 0.1)
        last = pod.podkeeper("comfyui", "use", "v1.1.0")
        assert last.returncode == 0, last.stderr
        assert version(pod) == "1.1.0"
        left = os.listdir(home / "packages/comfyui")
        assert not [name for name in left if name.startswith("trial-")], left
