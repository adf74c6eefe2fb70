"""Local mode: a second start, a taken port, a killed supervisord, a closed terminal."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from entrypoint.system.ports import is_free
from tests.support.file_systems import needs_root
from tests.support.leftovers import LEFTOVERS
from tests.support.pod import Pod, running
from tests.support.ports import free_port
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


@pytest.mark.parametrize("way", ["a folder with files", "a FIFO", "a dangling link", "a link to a file"])
def test_what_is_in_the_place_of_the_lock_lets_no_second_pod_in(way: str, tmp_path: Path) -> None:
    (tmp_path / "pod/run").mkdir(parents=True)
    LEFTOVERS[way](tmp_path / "pod/run/lock")
    with running(tmp_path / "pod") as pod:
        pod.wait_for_jupyter()
        assert_a_second_start_changes_nothing(pod)


def test_without_locks_a_second_start_finds_the_running_pod_by_its_programs(tmp_path: Path) -> None:
    """A lock that this start takes, too, is what a file system without locks amounts to."""
    with running(tmp_path / "pod") as pod:
        pod.wait_for_jupyter()
        (tmp_path / "pod/run/lock").unlink()
        assert_a_second_start_changes_nothing(pod)


def assert_a_second_start_changes_nothing(pod: Pod) -> None:
    before, family = snapshot_of(pod.home / "run"), pod.family()
    ended = start_again(pod)
    assert (ended.returncode, ended.stderr.count("\n")) == (75, 1), ended.stderr
    assert "a pod runs in " in ended.stderr
    assert snapshot_of(pod.home / "run") == before
    always = ("entrypoint.jupyter", "entrypoint.status", "entrypoint.supervision.prober")
    ours = [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    assert {name for each in ours for name in each.cmdline() if name in always} == set(always)


@needs_root
def test_a_start_does_not_take_over_another_users_runtime_folder(tmp_path: Path) -> None:
    """Nor end what its records name."""
    runtime = tmp_path / "pod/run"
    runtime.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        facts = f'{{"pid": {other.pid}, "started": {psutil.Process(other.pid).create_time()}}}'
        (runtime / "programs.json").write_text(f'{{"supervisord": 2, "programs": {{"jupyter": {facts}}}}}')
        os.chown(runtime, 1000, 1000)
        environ = {"PATH": os.environ["PATH"], "PODKEEPER_HOME": str(tmp_path / "pod")}
        command = [sys.executable, "-I", "-m", "entrypoint"]
        ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
        assert ended.returncode == 73
        assert "belongs to another user" in ended.stderr
        assert other.poll() is None
        other.kill()


def test_without_a_door_a_taken_port_is_left_for_a_free_one(tmp_path: Path) -> None:
    ports = {name: str(free_port()) for name in ("JUPYTER", "COMFYUI", "STATUS")}
    environ = {f"{name}{kind}_PORT": port for name, port in ports.items() for kind in ("", "_INTERNAL")}
    with running(tmp_path / "first", environ) as first:
        first.jupyter_port = int(ports["JUPYTER"])
        first.wait_for_jupyter()
        with running(tmp_path / "second", environ | {"JUPYTER_TOKEN": "the-second-pods-token"}) as second:
            second.wait_for_log("  Logs ")
            said = (
                rf"cannot use JUPYTER_PORT={ports['JUPYTER']}: Address already in use by \S+ \(process \d+\); (\d+) is"
            )
            found = re.search(said, second.text)
            assert found, second.text
            second.jupyter_port = int(found[1])
            assert f"JupyterLab http://localhost:{found[1]}/lab?token=the-second-pods-token" in second.text
            assert f":{ports['JUPYTER']}/" not in second.text
            assert second.jupyter("/api/contents", "the-second-pods-token")


def test_a_second_pod_on_taken_ports_is_not_announced_with_the_firsts_address(tmp_path: Path) -> None:
    with running(tmp_path / "first") as first:
        first.wait_for_jupyter()
        ports = {name: text for name, text in first.environ.items() if name.endswith("_PORT")}
        with running(tmp_path / "second", ports | {"JUPYTER_TOKEN": "the-second-pods-token"}) as second:
            second.wait_for_log("GatewayPortTaken")
            second.wait_for_log(f"cannot use JUPYTER_INTERNAL_PORT={first.environ['JUPYTER_INTERNAL_PORT']}: ")
            second.wait_for_log(
                f"cannot listen on port {first.jupyter_port}: Address already in use by nginx (process "
            )
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


@pytest.fixture
def terminal() -> Iterator[None]:
    """SIGHUP's usual meaning: the tests themselves may run under nohup."""
    previous = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, previous)


def test_a_closed_terminal_ends_the_pod(tmp_path: Path, terminal: None) -> None:
    with running(tmp_path / "pod") as pod:
        pod.wait_for_jupyter()
        family = pod.family()
        assert pod.stop(signal.SIGHUP) == 0
        wait_until(lambda: not [member for member in family if member.is_running()], 15, "no process is left")


def test_ctrl_c_twice_ends_the_pod_as_once_does(tmp_path: Path) -> None:
    with running(tmp_path / "pod") as pod:
        pod.wait_for_jupyter()
        family = pod.family()
        pod.process.send_signal(signal.SIGINT)
        assert pod.stop(signal.SIGINT) == 0
        wait_until(lambda: not [member for member in family if member.is_running()], 5, "no process is left")


def test_under_nohup_the_pod_lives_on_and_nothing_is_restarted(tmp_path: Path) -> None:
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with running(tmp_path / "pod") as pod:
            pod.wait_for_jupyter()
            found = [member for member in pod.family() if "entrypoint.jupyter" in member.cmdline()]
            jupyter = found[0]  # a child of it has its command line until it executes another program
            os.kill(pod.process.pid, signal.SIGHUP)
            assert pod.podkeeper("status").returncode in (0, 3)  # supervisord has gone through its loop
            assert pod.jupyter("/api/contents")
            assert jupyter.is_running()
    finally:
        signal.signal(signal.SIGHUP, previous)


def test_a_port_without_a_server_is_free_and_one_with_a_server_is_not() -> None:
    port = free_port()
    assert is_free("127.0.0.1", port)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        assert not is_free("127.0.0.1", port)
