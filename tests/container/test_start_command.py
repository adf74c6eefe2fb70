"""A start command given as CMD, as RunPod's templates do it, runs under the entrypoint."""

from __future__ import annotations

import pytest

from tests.support.container.engine import running
from tests.support.container.log_check import AT_A_STOP, unexpected

WITHOUT_COMFYUI = ("--env", "COMFYUI_ENABLED=false")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("bash", "-c", "echo pod $RUNPOD_POD_ID in $PWD"), "command  | pod abc123 in /\n"),
        (
            ("bash", "-c", "id -u && /start.sh"),
            "command  | podkeeper: JupyterLab and ComfyUI are being taken",
        ),
        (("sleep", "infinity"), "command  | podkeeper: running the start command (sleep)"),
        (("podkeeper", "models", "list"), "command  | podkeeper: the start command exited with code 0"),
        (("",), "  Logs "),
    ],
    ids=["a script", "start.sh", "sleep infinity", "our own command", "an empty field"],
)
def test_the_start_command_runs_and_jupyterlab_responds(image: str, command: tuple[str, ...], words: str) -> None:
    options = (*WITHOUT_COMFYUI, "--env", "RUNPOD_POD_ID=abc123")
    with running(image, *options, command=command) as pod:
        pod.wait_for_jupyter()
        pod.wait_for_log(words)
        pod.wait_for_log("  Logs ")
        assert pod.jupyter("/api/contents")["type"] == "directory"
        code, seconds = pod.stop()
        assert (code, seconds < 10) == (0, True)
        assert unexpected(pod.log, *AT_A_STOP) == []


def test_a_failing_start_command_is_reported_and_only_degrades_the_pod(image: str) -> None:
    with running(image, *WITHOUT_COMFYUI, command=("bash", "-c", "/no-such.sh")) as pod:
        pod.wait_for_jupyter()
        pod.wait_for_log("podkeeper: StartCommandFailed: the start command (bash) exited with code 127; read /var/log/")
        assert "degraded: StartCommandFailed" in pod.run("python -I -m entrypoint.health")
        assert unexpected(pod.log, "WARN exited: command (exit status 127; not expected)") == []


@pytest.mark.parametrize("options", [("--user", "1000:1000"), ("--env", "PUID=1000")], ids=["user", "puid"])
def test_the_start_command_runs_as_the_services_user(image: str, options: tuple[str, ...]) -> None:
    with running(image, *WITHOUT_COMFYUI, *options, command=("bash", "-c", "id -u; cd; touch mine; pwd")) as pod:
        pod.wait_for_log("command  | 1000\ncommand  | /home/podkeeper\n")
        pod.wait_for_log("the start command exited with code 0")
