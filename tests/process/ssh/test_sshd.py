"""A pod with PUBLIC_KEY: the real sshd, and a real ssh client."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.support.pod import Pod, running
from tests.support.ports import free_port
from tests.support.ssh import new_key, options, ssh
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="sshd needs root"),
    pytest.mark.skipif(not os.path.exists("/usr/sbin/sshd"), reason="openssh-server is not installed"),
]
OFF = {"JUPYTER_ENABLED": "false", "STATUS_ENABLED": "false"}


def condition(pod: Pod, name: str) -> str:
    """The reason of a condition; "": it does not hold."""
    path = pod.home / f"run/conditions/{name}.json"
    return str(json.loads(path.read_text())["reason"]) if path.exists() else ""


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def start_environ(key: Path, **more: str) -> dict[str, str]:
    return OFF | {"PUBLIC_KEY": key.with_suffix(".pub").read_text(), "SSH_PORT": str(free_port())} | more


def wait_for_sshd(pod: Pod) -> int:
    port = int(pod.environ["SSH_PORT"])
    wait_until(lambda: listens(port), 60, f"sshd listens: {pod.log('sshd.log')}", 0.1)
    return port


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return new_key(tmp_path)


def test_sessions_have_the_environment_of_terminals_and_no_more_secrets(place: Path, key: Path) -> None:
    secrets = {"HF_TOKEN": "hf-value", "WANDB_API_KEY": "wandb-value", "JUPYTER_TOKEN": "token-of-the-login-0123"}
    environ = start_environ(key, PLAIN="plain-value", TERMINAL_SECRETS="WANDB_API_KEY", **secrets)
    with running(place / "a pod", environ) as pod:
        port = wait_for_sshd(pod)
        shown = ssh(key, port, "env; pwd; ulimit -n >/dev/null; yes | head -1")
        assert shown.stderr == ""
        lines = shown.stdout.splitlines()
        assert {"PLAIN=plain-value", "WANDB_API_KEY=wandb-value", f"PODKEEPER_HOME={place}/a pod"} <= set(lines)
        assert f"HISTFILE={place}/a pod/comfyui/.jupyter/bash_history" in lines
        assert f"{place}/a pod/home" in lines  # its folder
        for hidden in ("hf-value", secrets["JUPYTER_TOKEN"], "PUBLIC_KEY", "SUPERVISOR_"):
            assert hidden not in shown.stdout
        (sshd,) = [each for each in psutil.Process(pod.process.pid).children() if each.name() == "sshd"]
        assert b"-value" not in Path(f"/proc/{sshd.pid}/environ").read_bytes()
        assert ssh(key, port, "exit 7").returncode == 7
        login = ssh(key, port, text="echo $0 $PPID; exit 3\n")
        assert login.returncode == 3
        assert login.stdout.startswith("-bash ")


def test_a_key_is_the_only_way_in(place: Path, key: Path, tmp_path: Path) -> None:
    with running(place / "pod", start_environ(key)) as pod:
        port = wait_for_sshd(pod)
        other = ssh(new_key(tmp_path, "other"), port, "true")
        assert (other.returncode, "Permission denied (publickey)" in other.stderr) == (255, True)
        line = ["ssh", *options(key, port), "nobody@127.0.0.1", "true"]
        assert subprocess.run(line, capture_output=True, timeout=60).returncode == 255
        for way in ("password", "keyboard-interactive"):
            tried = ssh(key, port, "true", more=(f"-oPreferredAuthentications={way}",))
            assert tried.returncode == 255


@pytest.mark.parametrize("variable", [{"PUID": "12345"}, {"RUN_AS": "12345:12346"}], ids=["PUID", "RUN_AS"])
def test_a_session_is_the_services_users_who_has_no_name(
    place: Path, key: Path, python: str, variable: dict[str, str]
) -> None:
    with running(place / "pod", start_environ(key, **variable), python=python) as pod:
        port = wait_for_sshd(pod)
        assert "uid 12345" in condition(pod, "SshUserWithoutName")
        user = "12345 12346" if "RUN_AS" in variable else "12345 12345"
        shown = ssh(key, port, 'echo $(id -u) $(id -g) "$(id -G)"; grep -E "^(Uid|Groups):" /proc/self/status')
        assert shown.stdout.startswith(user), shown
        assert "0" not in shown.stdout.split("Uid:")[1].split()
        refused = ssh(key, port, f"cat {pod.home}/run/sshd/authorized_keys {pod.home}/run/secrets/PUBLIC_KEY; id -u")
        assert refused.stdout == "12345\n"
        terminal = ssh(key, port, 'stat -c %u "$(tty)"; : >"$(tty)" && echo opens', more=("-tt",))
        assert terminal.stdout.split() == ["12345", "opens"]
        path = tmp_socket = place / "socket"
        tried = ssh(key, port, "sleep 1", more=("-oExitOnForwardFailure=yes", f"-R{tmp_socket}:{path}"))
        assert tried.returncode == 255
        assert not path.exists()


def test_files_go_in_and_out_by_sftp_scp_and_rsync(place: Path, key: Path) -> None:
    content = os.urandom(300_000)
    (place / "sent").write_bytes(content)
    with running(place / "pod", start_environ(key)) as pod:
        port = wait_for_sshd(pod)
        batch = f"put {place}/sent by-sftp\nget by-sftp {place}/back\n"
        sftp = ["sftp", *options(key, port), "-b", "-", "root@127.0.0.1"]
        ended = subprocess.run(sftp, input=batch, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0, ended.stderr
        assert (place / "back").read_bytes() == content
        home = pod.home / "home"
        assert (home / "by-sftp").read_bytes() == content
        commands = [["scp", *options(key, port), f"{place}/sent", "root@127.0.0.1:by-scp"]]
        commands.append(["scp", "-O", *options(key, port), f"{place}/sent", "root@127.0.0.1:by-old-scp"])
        if shutil.which("rsync"):
            shell = " ".join(["ssh", *options(key, port)])
            commands.append(["rsync", "-a", "-e", shell, f"{place}/sent", "root@127.0.0.1:by-rsync"])
        for command in commands:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert ended.returncode == 0, ended.stderr
            assert (home / command[-1].partition(":")[2]).read_bytes() == content


def test_the_host_key_is_the_same_after_a_new_start_and_a_torn_one_is_replaced(
    place: Path, key: Path, tmp_path: Path
) -> None:
    known = tmp_path / "known"
    for _ in range(2):
        with running(place / "pod", start_environ(key)) as pod:
            port = wait_for_sshd(pod)
            assert ssh(key, port, "true", known=known).returncode == 0
            kept = pod.home / "login/ssh_host_ed25519_key"
            assert kept.stat().st_mode & 0o777 == 0o600
            pod.stop()
        shutil.rmtree(place / "pod/run")
    kept.write_text(kept.read_text()[:100])
    with running(place / "pod", start_environ(key)) as pod:
        port = wait_for_sshd(pod)
        changed = ssh(key, port, "true", known=known)
        assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in changed.stderr
        assert ssh(key, port, "true").returncode == 0


def test_a_volume_that_keeps_no_host_key_is_reported_and_ssh_works(place: Path, key: Path) -> None:
    (place / "pod").mkdir()
    (place / "pod/login").write_text("a file is in the way")
    with running(place / "pod", start_environ(key)) as pod:
        port = wait_for_sshd(pod)
        assert "cannot keep sshd's host keys" in condition(pod, "SshHostKeyNotKept")
        assert ssh(key, port, "true").returncode == 0


def test_a_session_survives_a_restart_of_sshd(place: Path, key: Path) -> None:
    with running(place / "pod", start_environ(key)) as pod:
        port = wait_for_sshd(pod)
        line = ["ssh", *options(key, port), "root@127.0.0.1", "read x; echo got-$x"]
        with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
            wait_until(lambda: session_runs(pod), 20, "the session runs")
            assert pod.podkeeper("restart", "sshd").returncode == 0
            wait_for_sshd(pod)
            assert session.communicate("mail\n", timeout=20)[0] == "got-mail\n"
        assert "sshd      RUNNING" in pod.podkeeper("status", "sshd").stdout


def session_runs(pod: Pod) -> bool:
    for each in pod.family():
        with contextlib.suppress(psutil.Error):
            if each.cmdline()[-2:] == ["-c", "read x; echo got-$x"]:
                return True
    return False


def test_lines_that_are_no_key_are_reported_and_the_others_work(place: Path, key: Path, tmp_path: Path) -> None:
    second = new_key(tmp_path, "second", "rsa")
    keys = [path.with_suffix(".pub").read_text().strip() for path in (key, second)]
    text = "\n".join(["# mine", keys[0], "ssh-ed25519 AAAAnokey me@home", f'  "{keys[1]}"  \r', "", "s3cret-words"])
    with running(place / "pod", start_environ(key, PUBLIC_KEY=text)) as pod:
        port = wait_for_sshd(pod)
        assert [ssh(each, port, "true").returncode for each in (key, second)] == [0, 0]
        reason = condition(pod, "SshKeyIgnored")
        assert "line 3 of PUBLIC_KEY is ignored: it is not a public key" in reason
        assert "line 7" in reason
        assert "s3cret-words" not in reason + pod.text + pod.log("sshd.log")


@pytest.mark.parametrize("wrong", ["no key", "private", "none"])
def test_no_sshd_listens_without_a_key_that_can_be_used(place: Path, key: Path, wrong: str) -> None:
    text = {"no key": "ssh-rsa nothing", "private": key.read_text(), "none": ""}[wrong]
    environ = start_environ(key, PUBLIC_KEY=text) | {"STATUS_ENABLED": "true"}
    with running(place / "pod", environ) as pod:
        pod.wait_for_log("Logs ")
        if text:
            wait_until(lambda: condition(pod, "SshUnavailable"), 30, "the condition", 0.1)
            assert "no line of PUBLIC_KEY is a public key" in condition(pod, "SshUnavailable")
        status = pod.podkeeper("status").stdout
        assert f"sshd      {'EXITED' if text else 'STOPPED'}" in status
        assert not listens(int(environ["SSH_PORT"]))
        assert not [each for each in pod.family() if each.name() == "sshd"]
        everything = pod.text + status + "".join(path.read_text() for path in (pod.home / "log").iterdir())
        assert key.read_text().splitlines()[1] not in everything


def test_a_port_that_is_taken_or_another_services_stops_nothing_else(place: Path, key: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        environ = start_environ(key, SSH_PORT=str(listener.getsockname()[1]))
        with running(place / "pod", environ) as pod:
            wait_until(lambda: condition(pod, "SshPortTaken"), 30, "the condition", 0.1)
            listener.close()
            wait_for_sshd(pod)
            wait_until(lambda: not condition(pod, "SshPortTaken"), 30, "the condition clears", 0.1)
    port = str(free_port())
    environ = start_environ(key, SSH_PORT=port, JUPYTER_PORT=port, JUPYTER_ENABLED="true")
    with running(place / "second", environ) as pod:
        pod.jupyter_port = int(port)
        pod.wait_for_jupyter()
        wait_until(lambda: "port of another service" in condition(pod, "SshUnavailable"), 30, "the condition", 0.1)


def test_a_pod_that_is_not_root_says_so_and_runs(place: Path, key: Path, python: str) -> None:
    place.chmod(0o777)
    with running(place / "pod", start_environ(key, JUPYTER_ENABLED="true"), python=python, user=12345) as pod:
        pod.wait_for_jupyter()
        wait_until(lambda: "uid 12345" in condition(pod, "SshUnavailable"), 30, "the condition", 0.1)
