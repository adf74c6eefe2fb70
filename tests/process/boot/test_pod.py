"""The whole pod: it comes up, says where it is, keeps its secrets, and ends cleanly."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.checkout import FAKE_COMFYUI
from tests.support.pod import TOKEN, Pod, fake_python, others_can_read, running
from tests.support.waiting import wait_until

#: Lines of JupyterLab's log that may say WARNING or worse in a healthy start. None, on purpose.
ALLOWED: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    environ = {
        "RUNPOD_POD_ID": "abc123",
        "RUNPOD_API_KEY": "s3cret-key",
        "RUNPOD_REST_URL": "http://127.0.0.1:9",
        "HF_TOKEN": "s3cret-hf",
        "MINE": "kept",
    }
    with running(tmp_path_factory.mktemp("pod") / "pod", environ) as started:
        started.wait_for_jupyter()
        started.wait_for_log("Logs ")
        yield started


def test_the_log_says_where_it_is_and_how_to_log_in(pod: Pod) -> None:
    address = f"https://abc123-{pod.jupyter_port}.proxy.runpod.net/lab?token={TOKEN}"
    assert re.search(rf"podkeeper: JupyterLab is up after \d+\.\d s: {re.escape(address)}", pod.text)
    assert f"  JupyterLab {address}" in pod.text
    assert "  ComfyUI    switched off" in pod.text


def test_a_healthy_start_logs_no_warning(pod: Pod) -> None:
    """Deprecated or unknown traits would show here."""
    loud = re.findall(r"(?m)^\[[WEC] .*$", pod.log("jupyter.log"))
    assert [line for line in loud if not any(words in line for words in ALLOWED)] == []
    assert "Traceback" not in pod.text
    assert not re.search(r"\b(CRIT|WARN|ERRO)\b", pod.log("supervisord.log"))


def test_a_deprecated_trait_would_have_been_seen(tmp_path: Path) -> None:
    """Negative control of the test above."""
    folder = tmp_path / "pod/comfyui/.jupyter"
    folder.mkdir(parents=True)
    (folder / "jupyter_lab_config.py").write_text("c.ServerApp.password = ''\nc.ServerApp.no_such_trait = 1\n")
    with running(tmp_path / "pod") as other:
        other.wait_for_jupyter()
        assert re.search(r"(?m)^\[W .*no_such_trait", other.log("jupyter.log"))


def test_login_is_asked_for(pod: Pod) -> None:
    assert pod.jupyter("/api/contents")["type"] == "directory"
    with pytest.raises(OSError, match="401"):
        pod.jupyter("/api/contents", token="guessed")


def test_no_process_has_a_secret_in_its_environment_or_arguments(pod: Pod) -> None:
    family = pod.family()
    assert {"supervisord", "jupyter", "log_forwarder", "prober"} <= {name_of(member) for member in family}
    for member in family:
        exposed = " ".join(member.cmdline()) + Path(f"/proc/{member.pid}/environ").read_text(errors="replace")
        assert "s3cret" not in exposed
        assert TOKEN not in exposed
        assert "MINE=kept" in exposed or member.name() == "nginx"  # which gets no variable


def name_of(member: psutil.Process) -> str:
    return next((word for word in ("supervisord", "jupyter", "log_forwarder", "prober") if word in member.cmdline()[-1]
                 or f".{word}" in " ".join(member.cmdline()[:5])), "")  # fmt: skip


def test_no_file_that_others_can_read_holds_the_token(pod: Pod) -> None:
    holding = [path for path in pod.home.rglob("*") if path.is_file() and TOKEN in path.read_text(errors="replace")]
    assert "jupyter_token" in [path.name for path in holding]
    assert [path for path in holding if others_can_read(path, pod.home)] == []


def test_each_line_on_stdout_has_its_services_name(pod: Pod) -> None:
    pod.wait_for_log("jupyter  | [I ")
    pod.wait_for_log("pod      | ")


TROUBLESHOOTING_COMMANDS = [
    (
        "cat {home}/.jupyter/jupyter_lab_config.py | grep allow_remote_access",
        "c.ServerApp.allow_remote_access = True",
    ),
    (
        "cat {home}/.jupyter/jupyter_lab_config.py | grep terminals_enabled",
        "c.ServerApp.terminals_enabled = True",
    ),
    ("cat {log}/jupyter.log", "Jupyter Server"),
    (
        "cat {log}/jupyter.log | grep -i terminal",
        "jupyter_server_terminals | extension was successfully loaded",
    ),
    ("pip list | grep jupyter-server-terminals", "jupyter-server-terminals"),
    ("ls -ld {data}", "drwxrwxrwx"),
]


@pytest.mark.parametrize(("command", "shown"), TROUBLESHOOTING_COMMANDS)
def test_the_troubleshooting_commands_print_what_users_expect(pod: Pod, command: str, shown: str) -> None:
    """As in a terminal of JupyterLab: its PATH, its HOME."""
    (jupyter,) = [member for member in pod.family() if "entrypoint.jupyter" in member.cmdline()]
    text = command.format(home=pod.home / "home", log=pod.home / "log", data=pod.home / "comfyui")
    result = subprocess.run(["bash", "-c", text], env=jupyter.environ(), capture_output=True, text=True, timeout=60)
    assert shown in result.stdout


def test_terminals_start_in_the_data_folder(pod: Pod) -> None:
    (jupyter,) = [member for member in pod.family() if "entrypoint.jupyter" in member.cmdline()]
    assert jupyter.cwd() == str(pod.home / "comfyui")


def test_podkeeper_status_says_what_runs(pod: Pod) -> None:
    def running() -> bool:  # for `startsecs` it is STARTING
        return bool(re.search(r"(?m)^jupyter +RUNNING", pod.podkeeper("status").stdout))

    wait_until(running, 30, "supervisord counts JupyterLab as running")
    assert re.search(r"(?m)^comfyui +STOPPED", pod.podkeeper("status").stdout)


def test_podkeeper_without_a_pod_says_so(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-I",
        "-c",
        "import sys; from entrypoint.cli import main; sys.exit(main(['status']))",
    ]
    environ = {"PATH": os.environ["PATH"], "PODKEEPER_HOME": str(tmp_path)}
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 69
    assert ended.stderr.startswith("podkeeper: no pod runs here")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_ends_cleanly_with_exit_code_0_and_no_process_left(number: signal.Signals, tmp_path: Path) -> None:
    with running(tmp_path / "pod") as pod:
        pod.wait_for_jupyter()
        family = pod.family()
        assert pod.stop(number) == 0
        wait_until(lambda: not [member for member in family if member.is_running()], 5, "no process is left")
        assert "stopping" in pod.text  # the last words of JupyterLab were still forwarded
        assert "Traceback" not in pod.text


def test_a_generated_token_and_the_files_survive_a_restart(tmp_path: Path) -> None:
    logins, mine = [], tmp_path / "pod/comfyui/input/mine.png"
    for _ in range(2):
        with running(tmp_path / "pod", {"JUPYTER_TOKEN": ""}) as pod:
            pod.wait_for_log("JupyterLab is up")
            logins.append(re.findall(r"token=([\w-]{20,})", pod.text)[-1])
            assert pod.jupyter("/api/contents", token=logins[-1])
            wait_until(mine.parent.is_dir, 20, "the volume's folders are made")  # JupyterLab does not wait for them
            mine.write_text("picture")
            pod.stop()
    assert logins[0] == logins[1]
    assert len(logins[0]) == 43
    assert mine.read_text() == "picture"


def test_runpods_password_is_the_token(tmp_path: Path) -> None:
    with running(tmp_path / "pod", {"JUPYTER_TOKEN": "", "JUPYTER_PASSWORD": "minted-by-runpod"}) as pod:
        pod.wait_for_jupyter()
        assert pod.jupyter("/api/contents", token="minted-by-runpod")


def test_without_login_everything_is_open_and_a_warning_says_so_at_every_start(tmp_path: Path) -> None:
    for _ in range(2):
        with running(tmp_path / "pod", {"JUPYTER_TOKEN": "", "JUPYTER_AUTH": "none"}) as pod:
            pod.wait_for_jupyter()
            assert pod.jupyter("/api/contents", token="")
            pod.wait_for_log("Problem    JupyterAuthOff")
            pod.stop()


def test_a_reader_that_stalls_stops_neither_supervision_nor_the_files(tmp_path: Path) -> None:
    """The container's stdout is a full pipe without a reader; JupyterLab dies and must be restarted."""
    reader, writer = os.pipe()
    fill(writer)
    with running(tmp_path / "pod", stdout=writer) as pod:
        pod.wait_for_jupyter()
        (first,) = [member for member in pod.family() if "entrypoint.jupyter" in member.cmdline()]
        first.kill()
        wait_until(lambda: not first.is_running(), 10, "it is gone")
        pod.wait_for_jupyter()
        assert pod.log("jupyter.log").count("Jupyter Server") >= 2
        assert pod.stop() == 0
    os.close(reader)
    os.close(writer)


def fill(pipe: int) -> None:
    """Write until there is no room left."""
    os.set_blocking(pipe, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe, b"x" * 4096)
    os.set_blocking(pipe, True)


def test_a_missing_comfyui_is_a_condition_and_jupyterlab_runs(tmp_path: Path) -> None:
    environ = {"COMFYUI_ENABLED": "true", "COMFYUI_DIR": str(tmp_path / "nowhere")}
    with running(tmp_path / "pod", environ) as pod:
        pod.wait_for_jupyter()
        pod.wait_for_log("Problem    ComfyUIMissing: ComfyUI can't run: there is no main.py in")
        assert "comfyui" in pod.podkeeper("status").stdout
        assert re.search(r"(?m)^comfyui +EXITED", pod.podkeeper("status").stdout)
        assert pod.stop() == 0


def test_comfyui_gets_its_arguments_its_data_and_its_clean_stop(tmp_path: Path) -> None:
    environ = {
        "COMFYUI_ENABLED": "true",
        "COMFYUI_DIR": str(FAKE_COMFYUI),
        "COMFYUI_PYTHON": str(fake_python(tmp_path)),
        "COMFYUI_ARGS": "--preview-method 'a b'",
        "RUNPOD_POD_ID": "abc123",
    }
    with running(tmp_path / "pod", environ) as pod:
        pod.wait_for_jupyter()
        pod.wait_for_log(f"https://abc123-{pod.comfyui_port}.proxy.runpod.net/?token={TOKEN}  (up after")
        arguments = pod.log("comfyui.log")
        assert f"'--base-directory', '{pod.home}/comfyui'" in arguments
        assert "'--preview-method', 'a b'" in arguments
        assert f"'--listen', '127.0.0.1', '--port', '{pod.environ['COMFYUI_INTERNAL_PORT']}'" in arguments
        assert "--enable-cors-header" not in arguments
        assert pod.stop() == 0
        assert "fake: stopped cleanly by SIGINT" in pod.log("comfyui.log")
