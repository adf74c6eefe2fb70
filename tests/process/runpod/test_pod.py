"""A pod of RunPod's, with a stand-in for its API, from the start to the stop; and who reads the pod's key."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from entrypoint.system.loopback_http import send
from tests.support.pod import TOKEN, Pod, environ_for, others_can_read, running
from tests.support.runpod_api import KEY, POD, Fault, RunPod, runpod_api
from tests.support.waiting import wait_until

OFF = {"JUPYTER_ENABLED": "false", "STATUS_ENABLED": "false"}


def environ_of(runpod: RunPod) -> dict[str, str]:
    return OFF | {"RUNPOD_POD_ID": POD, "RUNPOD_API_KEY": KEY, "RUNPOD_REST_URL": runpod.url}


def condition(pod: Pod, name: str) -> str:
    with contextlib.suppress(OSError, ValueError):
        return str(json.loads((pod.home / f"run/conditions/{name}.json").read_text())["reason"])
    return ""


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pod, RunPod, set[str]]]:
    """A pod that was idle, and that RunPod has ended as it does: SIGTERM, then SIGKILL. The third: where the key was
    seen while the pod ran."""
    folder, seen = tmp_path_factory.mktemp("runpod"), set[str]()
    with runpod_api(price="1.99", faults=[Fault(500), Fault(0)]) as runpod:
        environ = environ_of(runpod) | environ_for(folder) | {"COMFYUI_ENABLED": "true", "IDLE_STOP": "2s"}
        with running(folder / "pod", environ) as pod:
            wait_until(lambda: "costs $1.99 an hour" in pod.text, 30, f"the price; {pod.text}", 0.05)
            runpod.on_stop = lambda: end(pod)
            while pod.process.poll() is None:
                seen |= seen_in_processes(pod)
                with contextlib.suppress(Exception):
                    pod.process.wait(0.2)
        yield pod, runpod, seen


def end(pod: Pod) -> None:
    """What RunPod does; a line says whether ComfyUI had ended by then."""
    before = "fake: stopped cleanly by SIGINT" in pod.log("comfyui.log")
    with (pod.home / "log/comfyui.log").open("a") as log:
        log.write(f"ended before the container: {before}\n")
    pod.process.send_signal(signal.SIGTERM)


def seen_in_processes(pod: Pod) -> set[str]:
    """The command lines and environments of the pod's processes that hold the key."""
    found = set()
    for each in pod.family():
        for name in ("environ", "cmdline"):
            with contextlib.suppress(OSError, psutil.Error):
                if KEY.encode() in Path(f"/proc/{each.pid}/{name}").read_bytes():
                    found.add(f"{name} of {each.cmdline()}")
    return found


def test_an_idle_pod_is_stopped_by_runpods_api(stopped: tuple[Pod, RunPod, set[str]]) -> None:
    pod, runpod, _ = stopped
    assert pod.process.returncode == 0
    assert runpod.status == "EXITED"
    assert runpod.asked[-2:] == [f"GET /v1/pods/{POD}", f"POST /v1/pods/{POD}/stop"]


def test_the_services_were_stopped_cleanly_before_that(stopped: tuple[Pod, RunPod, set[str]]) -> None:
    pod, _, _ = stopped
    assert "ended before the container: True" in pod.log("comfyui.log")
    assert "comfyui" in pod.log("podkeeper-runpod.log").partition("stopping: ")[2].splitlines()[0]


def test_the_run_began_when_runpod_says_and_the_volume_keeps_it(stopped: tuple[Pod, RunPod, set[str]]) -> None:
    pod, _, _ = stopped
    kept = json.loads((pod.home / f"comfyui/.podkeeper/meter/{POD}.json").read_text())
    assert kept["pod"] == POD
    assert 3600 < kept["run"] < 3660
    assert 1 < kept["idle"] < 60


def test_the_key_is_in_one_file_and_in_no_process_log_or_report(stopped: tuple[Pod, RunPod, set[str]]) -> None:
    pod, runpod, seen = stopped
    # The entrypoint itself is started with it, as every container is, until it becomes supervisord.
    assert {each for each in seen if "'entrypoint'" not in each} == set()
    kept = pod.home / "run/secrets/RUNPOD_API_KEY"
    holders = {path for path in pod.home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()}
    assert holders == {kept}
    assert kept.stat().st_mode & 0o777 == 0o600
    assert not others_can_read(kept, pod.home)
    assert KEY not in pod.text
    assert runpod.keys == {f"Bearer {KEY}"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"RUNPOD_API_KEY": ""}, "the pod has no key of RunPod's (RUNPOD_API_KEY)"),
        ({"RUNPOD_API_KEY": "rpa_wrong"}, "RunPod's API: it refuses the pod's key (401): unauthorized"),
        ({"IDLE_ACTION": "exit"}, "IDLE_ACTION=exit does not stop a pod on RunPod"),
    ],
)
def test_a_stop_that_cannot_work_is_told_at_the_start(tmp_path: Path, change: dict[str, str], words: str) -> None:
    with runpod_api() as runpod, running(tmp_path / "pod", environ_of(runpod) | {"IDLE_STOP": "2s"} | change) as pod:
        wait_until(lambda: words in condition(pod, "IdleStopNotPossible"), 30, f"the condition; {pod.text}", 0.05)
        assert "IDLE_STOP cannot stop this pod" in condition(pod, "IdleStopNotPossible")
        assert not any("stop" in each for each in runpod.asked)
        if not change.get("RUNPOD_API_KEY", "x"):
            report = pod.home / "run/reports/meter.json"
            wait_until(report.exists, 20, "the meter's report")
            wait_until(lambda: json.loads(report.read_text())["state"] == "idle", 20, "idle", 0.05)
            assert json.loads(report.read_text())["stop_at"] is None


def test_a_stop_that_fails_leaves_a_pod_that_works(tmp_path: Path) -> None:
    """The API is down, and the user comes back. Later the key may read and not stop."""
    no = [Fault(403, {"error": "no"}), Fault(200, {"errors": [{"message": "no"}]})]
    with runpod_api() as runpod:
        environ = environ_of(runpod) | environ_for(tmp_path) | {"COMFYUI_ENABLED": "true", "IDLE_STOP": "2s"}
        with running(tmp_path / "pod", environ) as pod:
            wait_until(lambda: "costs $0.74" in pod.text, 30, "the price", 0.02)
            runpod.faults = [Fault(500) for _ in range(40)]
            wait_until(lambda: "the next attempt is in" in pod.log("podkeeper-runpod.log"), 30, pod.text, 0.05)
            headers = {"Authorization": f"Bearer {TOKEN}"}
            assert send("POST", pod.comfyui_port, "/queue", 10, headers, "{}").status == 200
            wait_until(lambda: "runpod: it was called off" in pod.log("podkeeper-runpod.log"), 30, pod.text, 0.05)
            assert pod.log("comfyui.log").count("fake: arguments") == 1
            assert condition(pod, "PodNotStopped") == ""
            runpod.faults = []
            gate = threading.Event()
            original = runpod.answer

            def answer(method: str, path: str, key: str, body: object) -> tuple[int, object]:
                if path.endswith("/stop"):
                    gate.set()
                    runpod.faults = no[1:]
                    return 403, no[0].body
                return original(method, path, key, body)

            runpod.answer = answer  # type: ignore[method-assign]
            assert gate.wait(30), pod.text
            wait_until(lambda: condition(pod, "PodNotStopped"), 30, f"the condition; {pod.text}", 0.05)
            assert "refuses the pod's key (403): no" in condition(pod, "PodNotStopped")
            assert runpod.status == "RUNNING"
            wait_until(lambda: pod.log("comfyui.log").count("fake: arguments") == 2, 30, "ComfyUI runs again", 0.05)
            assert pod.process.poll() is None


def test_without_a_limit_a_request_for_the_stop_does_nothing(tmp_path: Path) -> None:
    """A service of the pod can write the request, and start the program; the settings decide."""
    with runpod_api() as runpod, running(tmp_path / "pod", environ_of(runpod)) as pod:
        wait_until(lambda: "costs $0.74 an hour" in pod.text, 30, f"the price; {pod.text}", 0.05)
        request = pod.home / "run/requests/pod-stop.json"
        request.write_text(json.dumps({"why": "an attack", "action": "terminate"}))
        asked = len(runpod.asked)
        assert pod.podkeeper("start", "runpod").returncode == 0
        wait_until(lambda: len(runpod.asked) > asked, 20, "it asks for the price again", 0.05)
        wait_until(lambda: pod.text.count("costs $0.74 an hour") == 2, 20, "it is done", 0.05)
        assert not [each for each in runpod.asked if not each.startswith("GET")]


@pytest.mark.parametrize("what", ["folder", "fifo", "link", "torn", "huge"])
def test_whatever_a_service_puts_in_place_of_the_request_is_no_request(tmp_path: Path, what: str) -> None:
    from entrypoint.runpod import files
    from entrypoint.settings.paths import Facts, locate
    from entrypoint.settings.settings import Settings

    facts = Facts(mounts=frozenset(), uid=os.geteuid(), temporary="/tmp", python="/python")
    paths = locate(Settings(home=str(tmp_path)), facts)
    folder = Path(paths.requests)
    folder.mkdir(parents=True)
    request, other = folder / "pod-stop.json", tmp_path / "other"
    other.write_text('{"why": "x"}')
    match what:
        case "folder":
            (request / "deep").mkdir(parents=True)
        case "fifo":
            os.mkfifo(request)
        case "link":
            request.symlink_to(other)
        case "torn":
            request.write_text('{"why": "x"')
        case _:
            request.write_text("[" * (17 << 20))
    assert files.requested_stop(paths) == ""
    files.end_request(paths)
    assert not os.path.lexists(request)
    assert other.exists()
