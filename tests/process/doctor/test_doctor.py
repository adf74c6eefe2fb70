"""`podkeeper doctor`: a healthy pod passes every check; on a broken pod the cause comes first."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.broken_pods import BROKEN, NO_GPU_HERE, Broken
from tests.support.file_systems import build_passthrough, misbehaving, needs_fuse, needs_mount
from tests.support.pod import TOKEN, Pod, environ_for, running
from tests.support.status_server import wait_for_status
from tests.support.waiting import wait_until

#: Seconds a pod has to settle in: JupyterLab answers, or it is known that it will not.
SETTLE = 30


def doctor(pod: Pod) -> tuple[int, dict[str, Any]]:
    ended = pod.podkeeper("doctor", "--json")
    assert ended.stderr == ""
    return ended.returncode, json.loads(ended.stdout)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    folder = tmp_path_factory.mktemp("doctor")
    environ = environ_for(folder) | {"COMFYUI_ENABLED": "true", "RUNPOD_POD_ID": "abc123"}
    with running(folder / "pod", environ) as pod:
        pod.wait_for_jupyter()
        pod.wait_for_log("ComfyUI is up")
        yield pod


def test_no_check_of_the_pod_itself_goes_to_a_proxy(healthy: Pod) -> None:
    kept = dict(healthy.environ)
    healthy.environ |= dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
    try:
        found = {check["check"]: check["state"] for check in doctor(healthy)[1]["checks"]}
        assert found.get("terminal") == "ok"
        assert "websocket" not in found
    finally:
        healthy.environ = kept


def test_a_healthy_pod_passes_every_check(healthy: Pod) -> None:
    code, report = doctor(healthy)
    # The GPU's own check comes after the services, and may not be done.
    wrong = [check for check in report["checks"] if check["state"] != "ok" and check["check"] != "gpu-check"]
    assert [check["check"] for check in wrong] == (["gpu"] if NO_GPU_HERE else [])
    assert report["healthy"]
    assert code == 0


def test_the_doctor_works_without_the_pods_environment(healthy: Pod) -> None:
    """As under `docker exec` or ssh: the settings are those of the running pod."""
    environ = {"PATH": os.environ["PATH"], "PODKEEPER_HOME": str(healthy.home)}
    command = [sys.executable, "-I", "-m", "entrypoint.doctor"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stdout
    assert f"JupyterLab answers on port {healthy.environ['JUPYTER_INTERNAL_PORT']}" in " ".join(ended.stdout.split())


def test_the_doctor_leaves_nothing_behind(healthy: Pod) -> None:
    """Neither a file in the data folder nor a terminal, and its refused requests stop at the door."""
    before = sorted(str(path) for path in (healthy.home / "comfyui").rglob("*"))
    doctor(healthy)
    assert sorted(str(path) for path in (healthy.home / "comfyui").rglob("*")) == before
    assert healthy.jupyter("/api/terminals") == []
    refused = [line for line in healthy.log("jupyter.log").splitlines() if " 403 " in line]
    assert refused == []


def test_the_doctor_prints_no_secret(healthy: Pod) -> None:
    for arguments in (["doctor"], ["doctor", "--json"]):
        assert TOKEN not in healthy.podkeeper(*arguments).stdout


@pytest.mark.parametrize("broken", [pytest.param(broken, id=broken.name, marks=broken.marks) for broken in BROKEN])
def test_on_a_broken_pod_the_cause_comes_first(broken: Broken, tmp_path: Path) -> None:
    home = tmp_path / "pod"
    home.mkdir()
    with contextlib.ExitStack() as stack:
        stack.enter_context(broken.prepare(home))
        pod = stack.enter_context(running(home, environ_for(tmp_path) | broken.environ))
        pod.wait_for_log("Logs ") if broken.settles else pod.wait_for_jupyter()
        broken.harm(pod, stack)
        began = time.monotonic()
        code, report = doctor(pod)
        assert time.monotonic() - began < SETTLE
        first = report["first"]
        assert first is not None, report
        assert (first["check"], broken.words in first["text"]) == (broken.check, True), report
        assert first["state"] == "failed"
        assert first["remedy"]
        assert code == 1


@pytest.mark.parametrize("package", ["jupyter_server_terminals", "jupyterlab_server"])
def test_an_uninstalled_package_comes_first(package: str, tmp_path: Path) -> None:
    """`pip uninstall` in a terminal of the pod works on the pod's own environment."""
    python = environment_without(package, tmp_path / "environment")
    with running(tmp_path / "pod", environ_for(tmp_path), python=str(python)) as pod:
        wait_until(lambda: (tmp_path / "pod/run/programs.json").exists(), 20, "supervisord runs")
        if package == "jupyter_server_terminals":
            pod.wait_for_log("JupyterLab is up")
        code, report = doctor(pod)
    assert (report["first"]["check"], code) == ("packages", 1), report
    assert f"{package.replace('_', '-')} is not installed" in report["first"]["text"].replace("_", "-")


def environment_without(package: str, folder: Path) -> Path:
    """This very environment, by links, but for one package; returns its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(package) or entry.name.startswith(f"{package}_"):
            (site / entry.name).symlink_to(entry)
    for name in ("etc", "share"):
        (folder / name).symlink_to(Path(sys.prefix) / name)
    return folder / "bin/python"


@needs_fuse
def test_a_hung_volume_comes_first_and_blocks_no_check(tmp_path: Path) -> None:
    program = build_passthrough(tmp_path)
    (tmp_path / "source").mkdir()
    (tmp_path / "pod").mkdir()
    with (
        misbehaving(program, tmp_path / "source", tmp_path / "pod/comfyui") as volume,
        running(tmp_path / "pod", environ_for(tmp_path)) as pod,
    ):
        pod.wait_for_log("Logs ")
        volume.set(volume.HANG, 1)
        began = time.monotonic()
        _, report = doctor(pod)
        took = time.monotonic() - began
        volume.set(volume.HANG, 0)
        assert (report["first"]["check"], "VolumeHung" in report["first"]["text"]) == ("volume", True), report
        assert took < SETTLE


@needs_mount
def test_an_unreachable_dns_server_does_not_block_the_doctor(healthy: Pod, tmp_path: Path) -> None:
    """resolv.conf names an unreachable server: the resolver alone would wait for half a minute."""
    (tmp_path / "resolv.conf").write_text("nameserver 192.0.2.1\nnameserver 192.0.2.2\noptions timeout:30\n")
    script = f'mount --bind {tmp_path}/resolv.conf /etc/resolv.conf && exec "$0" "$@"'
    command = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        script,
        sys.executable,
        "-I",
        "-m",
        "entrypoint.doctor",
        "--json",
    ]
    environ = healthy.environ | {"HF_ENDPOINT": "https://models.example.org"}
    with running(tmp_path / "pod", environ_for(tmp_path) | {"HF_ENDPOINT": environ["HF_ENDPOINT"]}) as pod:
        pod.wait_for_jupyter()
        wait_for_status(pod)
        began = time.monotonic()
        ended = subprocess.run(command, env=pod.environ, capture_output=True, text=True, timeout=60)
        assert time.monotonic() - began < 20
    report = json.loads(ended.stdout)
    assert report["first"]["check"] == "dns"
    assert ended.returncode == 1


def test_without_a_pod_the_doctor_says_so(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "PODKEEPER_HOME": str(tmp_path)}
    command = [sys.executable, "-I", "-m", "entrypoint.doctor", "--json"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert json.loads(ended.stdout)["first"]["text"].startswith("no pod runs here")
    assert ended.returncode == 1


def test_an_unknown_argument_is_a_usage_error(healthy: Pod) -> None:
    ended = healthy.podkeeper("doctor", "--nonsense")
    assert (ended.returncode, ended.stdout) == (64, "")
    assert ended.stderr == "podkeeper doctor: unrecognized arguments: --nonsense; see podkeeper doctor --help\n"
