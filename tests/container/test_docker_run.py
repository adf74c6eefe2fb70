"""`docker run -p 8188:8188 -p 8189:8189 IMAGE`, without any option that matters."""

from __future__ import annotations

import re
import urllib.error

import pytest

from tests.support.container.engine import TOKEN, Container, docker, running, volume
from tests.support.container.log_check import AT_A_STOP, unexpected
from tests.support.waiting import wait_until


def test_jupyterlab_answers_on_the_published_port_and_asks_for_the_login(pod: Container) -> None:
    assert pod.jupyter("/api/contents")["type"] == "directory"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        pod.jupyter("/api/contents", token="guessed")


def test_the_log_says_where_to_log_in(pod: Container) -> None:
    assert re.search(rf"JupyterLab is up after \d+\.\d s: \S+:8189/lab\?token={TOKEN}\n", pod.log)


def test_the_log_of_a_healthy_start_has_no_loud_line(image: str) -> None:
    with running(image, "--env", "COMFYUI_ENABLED=false") as fresh:
        fresh.wait_for_jupyter()
        fresh.wait_for_log("  Logs ")
        fresh.wait_for_log("jupyter  | [I ")  # the forwarder may read the file after the banner is printed
        assert unexpected(fresh.log) == []


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("cat /root/.jupyter/jupyter_lab_config.py | grep allow_remote_access",
         "c.ServerApp.allow_remote_access = True"),
        ("cat /root/.jupyter/jupyter_lab_config.py | grep terminals_enabled",
         "c.ServerApp.terminals_enabled = True"),
        ("cat /var/log/jupyter.log", "Jupyter Server"),
        ("cat /var/log/jupyter.log | grep -i terminal",
         "jupyter_server_terminals | extension was successfully loaded"),
        ("ls -ld /comfyui", "drwxrwxrwx "),
        ("pip list | grep jupyter-server-terminals", "jupyter-server-terminals"),
    ],
)  # fmt: skip
def test_the_troubleshooting_commands_print_what_users_expect(pod: Container, command: str, shown: str) -> None:
    assert shown in pod.run(command)


def test_podkeeper_status_says_what_runs(pod: Container) -> None:
    assert re.search(r"(?m)^jupyter +RUNNING", pod.run("podkeeper status", check=False))


def test_git_accepts_a_clone_owned_by_another_user(pod: Container) -> None:
    """A volume's custom nodes belong to the user who cloned them; git would call that dubious ownership."""
    shown = pod.run("git init -q /tmp/node && chown -R 1234:1234 /tmp/node && git -C /tmp/node status")
    assert "No commits yet" in shown


def test_no_layer_and_no_variable_of_the_image_holds_a_secret(image: str) -> None:
    shown = docker("inspect", "--format", "{{json .Config.Env}}", image).stdout
    shown += docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image).stdout
    assert not re.search(r"(?i)(token|password|secret|api_key)=\S", shown)


def test_the_image_says_how_it_is_run(image: str) -> None:
    """RunPod's start command replaces CMD; in exec form nothing stands between the engine's signals and PID 1."""
    template = "{{json .Config.Entrypoint}} {{.Config.StopSignal}} {{json .Config.ExposedPorts}}"
    shown = docker("inspect", "--format", template, image).stdout
    assert '"/opt/podkeeper/env/bin/python","-I","-m","entrypoint"] SIGTERM ' in shown
    assert '"sh"' not in shown
    assert '"8188/tcp"' in shown
    assert '"8189/tcp"' in shown
    assert '"8190/tcp"' in shown


def test_everything_is_compiled(pod: Container) -> None:
    """A start that has to compile takes 4-6 times as long, and under --user each one would."""
    count = "find /opt/podkeeper -path '*/{}/*' -name '*.{}' | wc -l"
    for part in ("entrypoint", "jupyter_server", "tornado"):
        assert 0 < int(pod.run(count.format(part, "py"))) <= int(pod.run(count.format(part, "pyc")))


@pytest.mark.parametrize("option", ["", "--init"], ids=["pid 1", "init"])
def test_docker_stop_ends_the_pod_cleanly_well_before_the_kill(image: str, option: str) -> None:
    options = (option,) if option else ()
    with running(image, "--env", "COMFYUI_ENABLED=false", *options) as pod:
        pod.wait_for_jupyter()
        code, seconds = pod.stop()
        assert code == 0
        assert seconds < 10
        assert unexpected(pod.log, *AT_A_STOP) == []


@pytest.mark.parametrize("option", ["", "--init"], ids=["pid 1", "init"])
def test_a_stop_in_the_first_moments_is_clean_too(image: str, option: str) -> None:
    """As PID 1, a SIGTERM that arrives while Python loads would be lost, and the engine would kill after 10 s."""
    options = (option,) if option else ()
    for _ in range(3):
        with running(image, "--env", "COMFYUI_ENABLED=false", *options) as pod:
            code, seconds = pod.stop()
            assert code == 0
            assert seconds < 10


def test_files_and_login_survive_on_a_named_volume(image: str) -> None:
    """Another container on the same volume, as after a RunPod stop; the first is killed, not stopped."""
    logins = []
    with volume() as name:
        for start in range(2):
            options = (
                "--env",
                "JUPYTER_TOKEN=",
                "--env",
                "COMFYUI_ENABLED=false",
                "--volume",
                f"{name}:/workspace",
            )
            with running(image, *options) as pod:
                pod.wait_for_log("JupyterLab is up")
                logins.append(re.findall(r"token=([\w-]{43})\n", pod.log)[-1])
                names = [row["name"] for row in pod.jupyter("/api/contents/input", logins[-1])["content"]]
                assert names == ["mine.txt"] * start
                pod.run("echo mine > /comfyui/input/mine.txt; sync")
                assert unexpected(pod.log) == []
                assert "/workspace/comfyui (on the volume)" in pod.log
                assert pod.run("ls -ld /comfyui/").startswith("drwxrwxrwx ")
                docker("kill", pod.id)
    assert logins[0] == logins[1]


def test_docker_restart_keeps_the_login(image: str) -> None:
    with running(image, "--env", "JUPYTER_TOKEN=", "--env", "COMFYUI_ENABLED=false") as pod:
        pod.wait_for_log("JupyterLab is up")
        docker("restart", pod.id)
        wait_until(lambda: pod.log.count("JupyterLab is up") == 2, 60, "it is announced again", 0.2)
        assert len(set(re.findall(r"is up after .*token=([\w-]{43})\n", pod.log))) == 1
        assert unexpected(pod.log, *AT_A_STOP) == []


def test_a_strict_start_with_bad_settings_exits_with_78_and_one_line(image: str) -> None:
    with running(image, "--env", "JUPYTER_PORT=eighty", "--env", "PODKEEPER_STRICT=true") as pod:
        wait_until(lambda: pod.inspect("{{.State.Running}}") == "false", 30, "it ends", 0.2)
        assert pod.inspect("{{.State.ExitCode}}") == "78"
        assert pod.log.startswith("podkeeper: cannot use JUPYTER_PORT='eighty'")
