"""`podkeeper status | logs | url | completion` as people and scripts use them, on a pod that runs."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import threading
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoint import __version__
from entrypoint.cli import MODULES
from entrypoint.commands import url
from entrypoint.commands.arguments import CONTROL, actions_of, build_parser
from entrypoint.commands.completion import completion
from entrypoint.settings.services import SERVICES
from entrypoint.system.attach import attach
from tests.support.file_systems import as_user, let_others_through, needs_root
from tests.support.pod import TOKEN, Pod, environ_for, running
from tests.support.waiting import wait_until


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
    assert "choose from jupyter, comfyui," in ended.stderr


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
    path = pod.home / "log/podkeeper-announce.log"
    path.write_text("old\nlast\n")
    command = [sys.executable, "-I", "-c"]
    command += ["from entrypoint.cli import main; main(['logs', '-f', '-n', '1', 'announce'])"]
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


def test_a_command_has_the_services_name_of_the_user(pod: Pod) -> None:
    """`docker exec` has no USER, and under PUID the uid has no name: torch in a trial of ComfyUI asks for one."""
    assert "USER" not in pod.environ
    assert attach(pod.environ).environ["USER"] == "podkeeper"


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
            code = url.main(Namespace(service=None))
        assert (code, out.getvalue()) == (1, "")
        assert "the login cannot be read" in err.getvalue()

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
    assert "it exists already" in again.stderr
    assert path.read_bytes() == before


def complete(script: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    code = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        "function=$(complete -p podkeeper | sed 's/.*-F \\([^ ]*\\) .*/\\1/'); "
        '"$function" podkeeper "${COMP_WORDS[COMP_CWORD]}"; printf \'%s\\n\' "${COMPREPLY[@]}"'
    )
    command = ["bash", "-c", code, "bash", str(script), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "completion.bash"
    path.write_text(completion("bash"))
    return path


def test_completion_offers_every_command_service_and_log(script: Path) -> None:
    commands = {word for word in complete(script, "podkeeper", "") if not word.startswith("-")}
    assert commands == {*CONTROL, *MODULES, "completion", "help"}
    assert set(complete(script, "podkeeper", "st")) == {"status", "start", "stop"}
    for command in ("status", "logs", "restart"):
        assert {service.name for service in SERVICES} <= set(complete(script, "podkeeper", command, "")), command
    assert "pod" in complete(script, "podkeeper", "logs", "")
    assert {"list", "plan", "fetch", "verify", "add", "rm"} <= set(complete(script, "podkeeper", "models", ""))


def test_completion_offers_files_for_the_bundle(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "support.tar.gz").touch()
    monkeypatch.chdir(tmp_path)
    assert complete(script, "podkeeper", "doctor", "--bundle", "") == ["support.tar.gz"]


def test_completion_is_printed_for_the_shell(pod: Pod) -> None:
    assert pod.podkeeper("completion", "bash").stdout.strip() == completion("bash").strip()
    assert pod.podkeeper("completion", "zsh").stdout.startswith("#compdef podkeeper")


def test_help_names_every_command(pod: Pod) -> None:
    help_text = pod.podkeeper("--help").stdout
    assert [name for name in (*CONTROL, *MODULES) if name not in help_text] == []
    assert pod.podkeeper("help").stdout == help_text == build_parser().format_help()


@pytest.mark.parametrize("command", [(name,) for name in (*CONTROL, *MODULES, "completion")] + [("models", "add")])
def test_every_command_has_its_own_help(pod: Pod, command: tuple[str, ...]) -> None:
    ended = pod.podkeeper(*command, "--help")
    assert ended.returncode == 0
    assert ended.stdout.startswith(f"usage: podkeeper {' '.join(command)}")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("statsu",), "there is no 'statsu'; did you mean status?"),
        (("restart", "comfyiu"), "there is no 'comfyiu'; did you mean comfyui?"),
        (("status", "--jsn"), "podkeeper status: unrecognized arguments: --jsn; did you mean --json?"),
        (("models", "fecth"), "there is no 'fecth'; did you mean fetch?"),
        (("url", "zzz"), "choose from jupyter, comfyui, status"),
        (("logs", "-n", "x"), "must be a whole number"),
        (("tail", "--follow", "jupyter"), "unrecognized arguments: --follow; see podkeeper tail --help"),
        (("completion", "fish"), "choose from bash, zsh"),
    ],
)
def test_a_typo_is_one_line_with_the_nearest_word(pod: Pod, arguments: tuple[str, ...], hint: str) -> None:
    ended = pod.podkeeper(*arguments)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (64, "", 1)
    assert hint in ended.stderr


def test_every_argument_has_a_help_text_and_every_command_names_its_exit_codes() -> None:
    actions = list(actions_of(build_parser()))
    assert [action.dest for action in actions if not action.help and action.dest not in ("command", "verb")] == []
    commands = [action for action in actions if isinstance(action, argparse._SubParsersAction)]
    epilogs = {name: parser.epilog for each in commands for name, parser in each.choices.items()}
    assert {"status", "models", "fetch", "help"} <= set(epilogs)
    assert [name for name, epilog in epilogs.items() if not (epilog or "").startswith("Exit codes: ")] == []


def test_the_version_is_the_projects(pod: Pod) -> None:
    assert pod.podkeeper("--version").stdout == f"podkeeper {__version__}\n"


@pytest.mark.parametrize("command", ["models list", "status", "doctor", "logs", "url", "completion bash", "--help"])
def test_a_reader_that_goes_away_is_no_error(pod: Pod, command: str) -> None:
    """`| head -1` closes the pipe after the first line; what follows must not end in a traceback."""
    environ = pod.environ | {"PATH": f"{Path(sys.executable).parent}:{pod.environ['PATH']}"}
    line = f"podkeeper {command} | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", line], env=environ, capture_output=True, text=True, timeout=120, check=True)
    assert ended.stderr == ""
    assert ended.stdout.strip() in ("0", "1")


def ended_without_reader(command: list[str], environ: dict[str, str]) -> tuple[int, str]:
    """The exit code and stderr of a command whose stdout has no reader from the start: its first write fails."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(command, env=environ, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=120)
    finally:
        os.close(writing)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(
    "command",
    ["models list", "status", "status --json", "status --watch", "doctor", "logs", "logs -f", "url", "completion bash",
     "--help", "tail jupyter", "tail -f jupyter"],
)  # fmt: skip
def test_a_command_without_a_reader_ends_quietly(pod: Pod, command: str) -> None:
    script = str(Path(sys.executable).parent / "podkeeper")
    code, errors = ended_without_reader([script, *command.split()], pod.environ)
    assert errors == ""
    assert code in ((-signal.SIGPIPE,) if command.startswith("tail") else (0, 1))


def test_a_program_that_takes_no_care_is_not_quiet_without_a_reader(pod: Pod) -> None:
    """The negative control of the test above."""
    code, errors = ended_without_reader([sys.executable, "-I", "-c", "print('x')"], pod.environ)
    assert code == 120
    assert "BrokenPipeError" in errors
