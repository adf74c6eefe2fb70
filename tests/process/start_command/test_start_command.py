"""A start command (`docker run IMAGE bash -c '...'`) runs once beside the services and never affects them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from entrypoint.system.files import remove
from tests.support.leftovers import LEFTOVERS
from tests.support.pod import TOKEN, Pod, running
from tests.support.waiting import wait_until

#: No service: these tests do not need one, and JupyterLab's start takes seconds.
ALONE = {"JUPYTER_ENABLED": "false"}


def conditions(pod: Pod) -> dict[str, dict[str, str]]:
    folder = pod.home / "run/conditions"
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


def running_words(pod: Pod, words: str) -> list[psutil.Process]:
    found = []
    for member in pod.family():
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [member] * (words in " ".join(member.cmdline()))
    return found


def test_it_runs_once_with_the_containers_environment_and_its_exit_is_logged(tmp_path: Path) -> None:
    script = 'echo "says $1 $MINE in $PWD"; cat; exit 0'
    with running(tmp_path / "pod", ALONE | {"MINE": "kept"}, command=("sh", "-c", script, "sh", "a  b")) as pod:
        pod.wait_for_log(f"command  | says a  b kept in {Path.cwd()}\n")
        pod.wait_for_log("command  | podkeeper: the start command exited with code 0\n")
        assert "StartCommandFailed" not in conditions(pod)
        wait_until(lambda: "command" in pod.podkeeper("status").stdout, 10, "its state is shown")
        assert pod.log("command.log").count("says ") == 1
        assert pod.stop() == 0


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("sh", "-c", "exit 3"), "(sh) exited with code 3"),
        (("sh", "-c", "kill -SEGV $$"), "(sh) killed by SIGSEGV"),
        (("/start-me.sh",), "(/start-me.sh) cannot be run: No such file or directory"),
        (("/etc/passwd",), "(/etc/passwd) cannot be run: Permission denied"),
        (("--help",), "(--help) cannot be run: No such file or directory"),
        (("", "a"), "() cannot be run: posix_spawnp: argv first element cannot be empty"),
    ],
    ids=["exit code", "signal", "no such file", "no program", "an option", "an empty word"],
)
def test_a_failure_is_a_condition_and_the_pod_keeps_running(
    command: tuple[str, ...], what: str, tmp_path: Path
) -> None:
    with running(tmp_path / "pod", ALONE, command=command) as pod:
        pod.wait_for_log(f"command  | podkeeper: StartCommandFailed: the start command {what}; read {pod.home}")
        assert what in conditions(pod)["StartCommandFailed"]["reason"]
        assert pod.podkeeper("restart", "command").returncode == 0
        logged = "command  | podkeeper: StartCommandFailed: "  # the banner may name the condition, too
        wait_until(lambda: pod.text.count(logged) == 2, 20, "it can be run again")
        assert pod.process.poll() is None
        assert pod.stop() == 0


def test_a_command_whose_file_is_damaged_is_named_and_the_pod_keeps_running(tmp_path: Path) -> None:
    with running(tmp_path / "pod", ALONE, command=("true",)) as pod:
        pod.wait_for_log("command  | podkeeper: the start command exited with code 0\n")
        environ = psutil.Process(pod.process.pid).environ()  # of supervisord, and so of its programs
        for name, leftover in LEFTOVERS.items():
            remove(str(pod.home / "run/start_command.json"))
            leftover(pod.home / "run/start_command.json")
            again = [pod.python, "-I", "-m", "entrypoint.start_command"]
            run = subprocess.run(again, env=environ, capture_output=True, text=True, timeout=10, check=False)
            assert (run.returncode, run.stderr) == (126, ""), name
            assert "is damaged" in conditions(pod)["StartCommandFailed"]["reason"]
        assert pod.process.poll() is None


def test_a_command_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    with running(tmp_path / "pod", ALONE, command=(os.fsdecode(b"/\xff"),)) as pod:
        pod.wait_for_log("the start command (/?) cannot be run: No such file or directory")
        assert "StartCommandFailed" in conditions(pod)


def test_a_command_that_never_ends_does_not_affect_the_services(tmp_path: Path) -> None:
    """`sleep infinity`, which templates use to keep a container alive."""
    with running(tmp_path / "pod", command=("sleep", "infinity")) as pod:
        pod.wait_for_jupyter()
        pod.wait_for_log("podkeeper: JupyterLab is up")
        wait_until(lambda: len(running_words(pod, "sleep infinity")) == 1, 10, "it runs")
        assert pod.stop() == 0
        assert "WARN stopped: command" not in pod.log("supervisord.log")


def test_its_background_processes_keep_running_and_writing_until_the_pod_stops(tmp_path: Path) -> None:
    """Stock supervisord closes the log pipe when a program ends: the first line written then would be fatal."""
    script = "(trap 'echo got SIGTERM; exit' TERM; while :; do sleep 0.2; echo still running; done) & exit 0"
    with running(tmp_path / "pod", ALONE, command=("sh", "-c", script)) as pod:
        pod.wait_for_log("the start command exited with code 0")
        seen = pod.text.count("still running")
        wait_until(lambda: pod.text.count("still running") > seen + 2, 20, "it keeps writing")
        (left,) = running_words(pod, "still running")
        assert pod.stop() == 0
        assert not left.is_running()
        assert "command  | got SIGTERM" in pod.text


def test_a_stop_reaches_it_and_does_not_wait_for_a_command_that_ignores_it(tmp_path: Path) -> None:
    script = "trap '' TERM; setsid sleep 1234 & echo ready; while :; do sleep 1; done"
    with running(tmp_path / "pod", ALONE, command=("bash", "-c", script)) as pod:
        pod.wait_for_log("command  | ready")
        family = running_words(pod, "sleep 1234")
        assert pod.process.pid not in {member.pid for member in family}
        assert pod.stop(signal.SIGTERM) == 0
        wait_until(lambda: not [each for each in family if each.is_running()], 5, "no process is left")


def test_its_command_line_is_only_in_a_file_of_the_services_user(tmp_path: Path) -> None:
    """It may hold a login; and no secret of the pod's is in its environment."""
    environ = ALONE | {"HF_TOKEN": "s3cret-hf", "RUNPOD_API_KEY": "s3cret-key"}
    with running(tmp_path / "pod", environ, command=("sh", "-c", "env; : my-word")) as pod:
        pod.wait_for_log("the start command exited with code 0")
        (kept,) = [path for path in (pod.home / "run").rglob("*") if path.is_file() and "my-word" in path.read_text()]
        assert kept.stat().st_mode & 0o777 == 0o600
        assert "my-word" not in pod.text
        assert "s3cret" not in pod.text
        assert TOKEN not in pod.text.replace(f"token={TOKEN}", "")
        assert not running_words(pod, "my-word")


def test_a_start_without_a_command_runs_none_and_removes_the_last_one(tmp_path: Path) -> None:
    with running(tmp_path / "pod", ALONE, command=("sh", "-c", "echo once")) as pod:
        pod.wait_for_log("exited with code 0")
        pod.stop()
    with running(tmp_path / "pod", ALONE) as pod:
        wait_until(lambda: "command" in pod.podkeeper("status").stdout, 20, "its state is shown")
        pod.podkeeper("start", "command")
        pod.wait_for_log("command  | podkeeper: this pod was started without a command")
        assert "once" not in pod.text
        assert not (pod.home / "run/start_command.json").exists()
