"""The real entrypoint with values it can't use: defaults and a condition; strict: one line a problem, exit 78."""

import contextlib
import os
import pathlib
import pty
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.support.bad_environments import BAD_ENVIRONMENTS, TYPOS
from tests.support.pod import Pod, running
from tests.support.waiting import wait_until


def start(environ: dict[str, str], home: pathlib.Path) -> subprocess.CompletedProcess[str]:
    base = {"PATH": os.environ["PATH"], "PODKEEPER_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-I", "-m", "entrypoint"],
        env=base | environ,
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize(("environ", "message"), BAD_ENVIRONMENTS)
def test_a_strict_start_refuses_bad_settings_in_one_line_and_nothing_is_written(
    environ: dict[str, str], message: str, tmp_path: pathlib.Path
) -> None:
    ended = start(environ | {"PODKEEPER_STRICT": "true"}, tmp_path / "pod")
    assert ended.returncode == 78
    assert f"podkeeper: {message}" in ended.stderr.splitlines()
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_made_is_one_line(tmp_path: pathlib.Path) -> None:
    (tmp_path / "pod").write_text("a file is in the way")
    ended = start({}, tmp_path / "pod")
    assert ended.returncode == 73
    assert ended.stderr == f"podkeeper: cannot make the pod's own folders: {tmp_path}/pod: Not a directory\n" or (
        ended.stderr.count("\n") == 1 and "Not a directory" in ended.stderr
    )


def test_at_a_terminal_a_bad_setting_ends_the_start(tmp_path: pathlib.Path) -> None:
    ours, theirs = pty.openpty()
    environ = {"PATH": os.environ["PATH"], "PODKEEPER_HOME": str(tmp_path / "pod"), "JUPYTER_PORT": "abc"}
    command = [sys.executable, "-I", "-m", "entrypoint"]
    process = subprocess.Popen(command, env=environ, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    assert process.wait(30) == 78
    assert b"cannot use JUPYTER_PORT='abc': must be 1-65535" in os.read(ours, 4096)
    os.close(ours)


def test_a_pod_with_many_bad_settings_comes_up_behind_a_login_and_names_each(tmp_path: pathlib.Path) -> None:
    with running(tmp_path / "pod", {name: text for name, (text, _) in TYPOS.items()}) as pod:
        token = pod.home / "run/jupyter_token"
        wait_until(token.exists, 30, "a token is made")
        assert len(token.read_text()) == 43
        wait_until(lambda: up(pod.jupyter_port), 60, "the door answers")
        assert status_of(pod.jupyter_port, "/api/kernels") in (401, 403)
        wait_until(lambda: lets_in(pod, token.read_text()), 60, "JupyterLab answers to the token")
        pod.wait_for_log("Problem    SettingIgnored")
        status = pod.podkeeper("status")
        for name, (_, word) in TYPOS.items():
            line = next((part for part in pod.text.split(" | ") if name in part and word in part), "")
            assert line, (name, word)
        assert "SettingIgnored" in status.stdout
        health = [sys.executable, "-I", "-m", "entrypoint.health"]  # as `docker exec` runs it
        assert "SettingIgnored" in subprocess.run(health, env=pod.environ, capture_output=True, text=True).stdout
        assert "s3cret" not in pod.text + status.stdout
        assert (pod.home / "run/secrets/HF_TOKEN").read_text() == "hf_s3cret"


def test_a_token_in_a_file_is_the_pods_token(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "secret"
    file.write_text("\ufefffile-token-0123456789abc\n")
    with running(tmp_path / "pod", {"JUPYTER_TOKEN": "", "JUPYTER_TOKEN_FILE": str(file)}) as pod:
        wait_until(lambda: up(pod.jupyter_port), 60, "the door answers")
        wait_until(lambda: lets_in(pod, "file-token-0123456789abc"), 60, "the file's token logs in")
        assert "file-token" not in pathlib.Path(f"/proc/{pod.process.pid}/environ").read_text()


def up(port: int) -> bool:
    with contextlib.suppress(OSError):
        return bool(status_of(port, "/podkeeper/health"))
    return False


def lets_in(pod: Pod, token: str) -> bool:
    with contextlib.suppress(OSError):
        return "started" in pod.jupyter("/api/status", token)
    return False


def status_of(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
