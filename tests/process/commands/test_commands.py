"""`podkeeper status | logs | url | completion` as people and scripts use them, on a pod that runs."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoint.cli import CONTROL, MODULES, USAGE
from entrypoint.commands import url
from entrypoint.settings.services import SERVICES
from entrypoint.system.attach import attach
from tests.support.checkout import ROOT
from tests.support.file_systems import as_user, let_others_through, needs_root
from tests.support.pod import TOKEN, Pod, environ_for, running
from tests.support.waiting import wait_until

COMPLETION = ROOT / "entrypoint/commands/completion.bash"


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    folder = tmp_path_factory.mktemp("commands")
    environ = environ_for(folder) | {"COMFYUI_ENABLED": "true", "RUNPOD_POD_ID": "abc123"}
    with running(folder / "pod", environ) as started:
        started.wait_for_jupyter()
        started.wait_for_log("Logs ")
        wait_until(lambda: "STARTING" not in started.podkeeper("status").stdout, 30, "everything has settled")
        yield started


def test_status_says_what_runs_and_exits_0_while_all_services_answer(pod: Pod) -> None:
    status = pod.podkeeper("status")
    assert status.returncode == 0
    assert re.search(r"(?m)^jupyter +RUNNING +up \d+ s, pid \d+, answers at https://abc123-", status.stdout)
    assert re.search(r"(?m)^prober +RUNNING", status.stdout)
    assert TOKEN not in status.stdout


def test_status_json_is_the_snapshot(pod: Pod) -> None:
    snapshot = json.loads(pod.podkeeper("status", "--json").stdout)
    assert [service["health"] for service in snapshot["services"]] == ["up"] * len(SERVICES)
    assert snapshot["supervised"] is True


def test_a_stopped_service_is_exit_code_3_and_without_jupyterlab_1(pod: Pod) -> None:
    pod.podkeeper("stop", "comfyui")
    stopped = pod.podkeeper("status")
    assert re.search(r"(?m)^comfyui +STOPPED", stopped.stdout)
    assert stopped.returncode == 3
    assert pod.podkeeper("status", "jupyter").returncode == 0
    pod.podkeeper("stop", "jupyter")
    assert pod.podkeeper("status").returncode == 1
    pod.podkeeper("start", "all")
    wait_until(lambda: pod.podkeeper("status").returncode == 0, 30, "all services answer again", 0.5)


def test_status_of_an_unknown_service_is_a_usage_error_that_names_the_services(pod: Pod) -> None:
    ended = pod.podkeeper("status", "unknown")
    assert ended.returncode == 64
    assert "there are: jupyter, comfyui," in ended.stderr


def test_watch_redraws_the_status(pod: Pod) -> None:
    command = [sys.executable, "-I", "-c", "from entrypoint.cli import main; main(['status', '--watch'])"]
    with subprocess.Popen(command, env=pod.environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        seen = 0
        while seen < 2:
            seen += process.stdout.readline().startswith("jupyter ")
        process.terminate()


def test_status_works_without_the_pods_environment(pod: Pod) -> None:
    """As under `docker exec`: ports and paths are those of the running pod."""
    environ = {"PATH": os.environ["PATH"], "PODKEEPER_HOME": str(pod.home)}
    command = [sys.executable, "-I", "-c", "from entrypoint.cli import main; main(['status'])"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, f"-{pod.jupyter_port}." in ended.stdout) == (0, True), ended


def test_logs_show_the_end_of_one_log_or_of_all_logs(pod: Pod) -> None:
    one = pod.podkeeper("logs", "-n", "2", "jupyter").stdout.splitlines()
    assert one == pod.log("jupyter.log").splitlines()[-2:]
    everything = pod.podkeeper("logs").stdout
    assert {line.split()[0] for line in everything.splitlines()} >= {"pod", "jupyter", "comfyui"}


def test_an_unknown_log_is_an_error_that_names_the_known_logs(pod: Pod) -> None:
    ended = pod.podkeeper("logs", "nobody")
    assert ended.returncode == 1
    assert "nobody has no log here; there are: pod, jupyter, comfyui" in ended.stderr


def test_logs_follow_a_file_over_its_rotation(pod: Pod) -> None:
    path = pod.home / "log/podkeeper-followed.log"
    path.write_text("old\nlast\n")
    command = [sys.executable, "-I", "-c"]
    command += ["from entrypoint.cli import main; main(['logs', '-f', '-n', '1', 'followed'])"]
    seen: list[str] = []
    with subprocess.Popen(command, env=pod.environ, stdout=subprocess.PIPE, text=True) as process:
        reader = threading.Thread(target=lambda: seen.extend(iter(process.stdout.readline, "")), daemon=True)  # type: ignore[union-attr]
        reader.start()
        wait_until(lambda: seen == ["last\n"], 20, "the last line")
        with path.open("a") as file:
            file.write("new\n")
        wait_until(lambda: seen[-1] == "new\n", 10, "a new line")
        path.rename(path.with_suffix(".log.1"))
        path.write_text("rotated\n")
        wait_until(lambda: seen[-1] == "rotated\n", 10, "a line of the new file")
        process.terminate()
        reader.join(5)


def test_url_prints_the_login(pod: Pod) -> None:
    assert pod.podkeeper("url", "jupyter").stdout == (
        f"https://abc123-{pod.jupyter_port}.proxy.runpod.net/lab?token={TOKEN}\n"
    )


@needs_root
def test_url_needs_permission_to_read_the_token(pod: Pod) -> None:
    let_others_through(pod.home)
    environ = dict(attach(pod.environ).environ)

    def ask() -> None:
        os.environ |= environ
        with (
            contextlib.redirect_stdout(io.StringIO()) as out,
            contextlib.redirect_stderr(io.StringIO()) as err,
        ):
            code = url.main([])
        assert (code, out.getvalue()) == (1, "")
        assert "the login can't be read" in err.getvalue()

    as_user(65534, ask)


def test_the_support_bundle_is_private_complete_and_never_overwritten(pod: Pod, tmp_path: Path) -> None:
    path = tmp_path / "support.tar.gz"
    ended = pod.podkeeper("doctor", "--bundle", str(path))
    assert f"the bundle is {path}" in ended.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        names = {name.removeprefix("podkeeper-support/") for name in archive.getnames()}
    expected = {
        "doctor.json",
        "status.json",
        "settings.txt",
        "packages.txt",
        "log/jupyter.log",
        "runtime/programs.json",
    }
    assert names >= expected
    before = path.read_bytes()
    again = pod.podkeeper("doctor", "--bundle", str(path))
    assert again.returncode == 73
    assert "it is there already" in again.stderr
    assert path.read_bytes() == before


def complete(*words: str) -> list[str]:
    """What bash offers for the last of these words."""
    script = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _podkeeper; printf \'%s\\n\' "${COMPREPLY[@]}"'
    )
    command = ["bash", "-c", script, "bash", str(COMPLETION), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_completion_offers_every_command_and_every_service() -> None:
    commands = set(complete("podkeeper", ""))
    assert commands == {*CONTROL, *MODULES, "completion", "help"}
    assert complete("podkeeper", "st") == ["status", "start", "stop"]
    for command in ("status", "logs", "restart"):
        assert {service.name for service in SERVICES} <= set(complete("podkeeper", command, "")), command


def test_completion_is_printed_for_the_shell(pod: Pod) -> None:
    assert pod.podkeeper("completion", "bash").stdout == COMPLETION.read_text()
    assert pod.podkeeper("completion", "zsh").stdout.startswith("autoload")


def test_help_names_every_command() -> None:
    assert [name for name in (*CONTROL, *MODULES) if name not in USAGE] == ["tail"]
