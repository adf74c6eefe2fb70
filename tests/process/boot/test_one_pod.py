"""Local mode: a second start, a taken port, a killed supervisord, a closed terminal, a path with a space, few files."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import psutil
import pytest

from tests.support.checkout import ROOT
from tests.support.pod import Pod, running
from tests.support.waiting import wait_until


def start_again(pod: Pod, **changes: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-m", "entrypoint"]
    return subprocess.run(command, env=pod.environ | changes, capture_output=True, text=True, timeout=30, check=False)


def snapshot_of(folder: Path) -> dict[str, bytes]:
    kept = ("jupyter_token", "door_secret", "supervisord.pid", "jupyter_cookie_secret")
    return {name: (folder / name).read_bytes() for name in kept}


def test_a_second_start_is_one_line_and_leaves_the_first_pod_alone(tmp_path: Path) -> None:
    with running(tmp_path / "pod") as pod:
        pod.wait_for_jupyter()
        before, conditions = snapshot_of(pod.home / "run"), sorted((pod.home / "run/conditions").iterdir())
        ended = start_again(pod, JUPYTER_TOKEN="another-token-of-16")
        assert ended.returncode == 75
        assert ended.stdout == ""
        assert ended.stderr.count("\n") == 1
        assert f"process id {pod.process.pid}" in ended.stderr
        assert snapshot_of(pod.home / "run") == before
        assert sorted((pod.home / "run/conditions").iterdir()) == conditions
        assert pod.jupyter("/api/contents")
        assert pod.stop() == 0
    with running(tmp_path / "pod") as again:  # the lock ends with the pod
        again.wait_for_jupyter()


def test_a_second_pod_on_taken_ports_is_not_announced_with_the_firsts_address(tmp_path: Path) -> None:
    with running(tmp_path / "first") as first:
        first.wait_for_jupyter()
        ports = {name: text for name, text in first.environ.items() if name.endswith("_PORT")}
        with running(tmp_path / "second", ports | {"JUPYTER_TOKEN": "the-second-pods-token"}) as second:
            second.wait_for_log("GatewayPortTaken")
            second.wait_for_log("is taken; ")
            wait_until(lambda: "stop the program that listens there" in second.text, 30, "it says so", 0.1)
            assert "JupyterLab is up" not in second.text
            assert "the-second-pods-token" not in second.text
            assert first.jupyter("/api/contents")


def test_what_a_killed_supervisord_leaves_is_ended_by_the_next_start(tmp_path: Path) -> None:
    with running(tmp_path / "pod") as pod:
        pod.wait_for_jupyter()
        left = [member for member in pod.family() if member.pid != pod.process.pid]
        os.kill(pod.process.pid, signal.SIGKILL)
        pod.process.wait(10)
        survivors = [member for member in left if member.is_running() and member.status() != psutil.STATUS_ZOMBIE]
        assert survivors
        with running(pod.home, {name: text for name, text in pod.environ.items() if name.endswith("_PORT")}) as second:
            second.jupyter_port = pod.jupyter_port
            second.wait_for_log("JupyterLab is up")
            second.wait_for_jupyter()
            assert "ending what a killed pod has left: " in second.text
            alive = [each for each in survivors if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
            assert alive == []
            assert "Taken" not in second.text


def test_a_process_that_got_a_recorded_id_later_is_left_alone(tmp_path: Path) -> None:
    with running(tmp_path / "pod") as pod:
        pod.wait_for_jupyter()
        assert pod.stop() == 0
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        facts = f'{{"pid": {other.pid}, "started": 1000.0}}'
        programs = tmp_path / "pod/run/programs.json"
        programs.write_text(f'{{"supervisord": 1, "programs": {{"jupyter": {facts}}}}}')
        with running(tmp_path / "pod") as again:
            again.wait_for_jupyter()
            assert other.poll() is None
        other.kill()


def test_a_closed_terminal_ends_the_pod(tmp_path: Path) -> None:
    with running(tmp_path / "pod") as pod:
        pod.wait_for_jupyter()
        family = pod.family()
        assert pod.stop(signal.SIGHUP) == 0
        wait_until(lambda: not [member for member in family if member.is_running()], 5, "no process is left")


def test_under_nohup_the_pod_lives_on_and_nothing_is_restarted(tmp_path: Path) -> None:
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with running(tmp_path / "pod") as pod:
            pod.wait_for_jupyter()
            (jupyter,) = [member for member in pod.family() if "entrypoint.jupyter" in member.cmdline()]
            os.kill(pod.process.pid, signal.SIGHUP)
            assert pod.podkeeper("status").returncode in (0, 3)  # supervisord has gone through its loop
            assert pod.jupyter("/api/contents")
            assert jupyter.is_running()
    finally:
        signal.signal(signal.SIGHUP, previous)


@pytest.mark.parametrize("files", [1023, 256])
def test_a_pod_starts_with_few_open_files_allowed(files: int, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec prlimit --nofile={files}:{files} {sys.executable} "$@"\n')
    python.chmod(0o755)
    with running(tmp_path / "pod", python=str(python)) as pod:
        pod.wait_for_jupyter()
        assert pod.stop() == 0


def test_too_few_open_files_are_one_line(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "PODKEEPER_HOME": str(tmp_path / "pod")}
    command = ["prlimit", "--nofile=40:40", sys.executable, "-I", "-m", "entrypoint"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 73
    assert ended.stderr.splitlines()[-1].startswith("podkeeper: ")
    assert "40 open files are allowed" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", ["a place with spaces", "it's \u00fcber", "x" * 130])
def test_the_command_and_a_pod_below_an_odd_path(name: str, tmp_path: Path) -> None:
    top = tmp_path / name
    venv.create(top / "venv", symlinks=True)
    python = top / "venv/bin/python"
    (site,) = (top / "venv/lib").glob("python3*/site-packages")
    (site / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    subprocess.run([str(python), str(ROOT / "scripts/finish_venv.py"), str(ROOT)], check=True, timeout=60)
    command = str(top / "venv/bin/podkeeper")
    version = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=30, check=False)
    assert version.stdout.startswith("podkeeper "), version.stderr
    if "'" in name:
        return  # PODKEEPER_HOME takes no quotes
    with running(top / "a pod", python=str(python)) as pod:
        pod.wait_for_jupyter()
        status = subprocess.run([command, "status"], env=pod.environ, capture_output=True, text=True, timeout=30)
        assert "jupyter" in status.stdout


def test_a_port_without_a_server_is_free_and_one_with_a_server_is_not() -> None:
    from entrypoint.system.ports import free_port, is_free

    port = free_port()
    assert is_free("127.0.0.1", port)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        assert not is_free("127.0.0.1", port)
