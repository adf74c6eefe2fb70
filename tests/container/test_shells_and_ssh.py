"""Every way to a shell of the image, and ssh, sftp and rsync from outside."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.support.container.engine import Container, docker, running, volume
from tests.support.container.log_check import unexpected
from tests.support.ssh import new_key, options, ssh
from tests.support.waiting import wait_until

WITHOUT_COMFYUI = ("--env", "COMFYUI_ENABLED=false")
PUBLISHED = ("--publish", "127.0.0.1::22", "--publish", "127.0.0.1::8189")
NAMED = "useradd --create-home --uid 1500 --shell /bin/bash someone"
TOOLS = "wget unzip zip rsync tmux vi htop jq git-lfs zstd lsof sshd ssh curl less nano git"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return new_key(tmp_path)


def with_key(key: Path) -> tuple[str, ...]:
    return (*WITHOUT_COMFYUI, *PUBLISHED, "--env", f"PUBLIC_KEY={key.with_suffix('.pub').read_text()}")


def ssh_port(pod: Container) -> int:
    """Once sshd responds."""
    port = pod.port(22)

    def greets() -> bool:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.settimeout(5)
            return connection.recv(4) == b"SSH-"

    def up() -> bool:
        try:
            return greets()
        except OSError:
            return False

    try:
        wait_until(up, 60, "sshd responds", 0.2)
    except AssertionError as error:
        raise AssertionError(f"{error}: {pod.run('cat /var/log/sshd.log', check=False)} {pod.log}") from None
    return port


def sshd_runs(pod: Container) -> bool:
    return "sshd      RUNNING" in pod.run("podkeeper status", check=False)


@pytest.mark.parametrize(
    "command",
    [
        "podkeeper --version", "bash -lc 'podkeeper --version'", "sh -c 'podkeeper --version'",
        "sh -lc 'podkeeper --version'", "bash -ic 'podkeeper --version'", "env -i sh -c 'podkeeper --version'",
        "env -i bash -lc 'podkeeper --version'", "su - someone -c 'podkeeper --version'",
        "su someone -c 'podkeeper --version'", "env -i HOME=/root su -c 'podkeeper --version'",
        "env -i bash -lc 'command -v jupyter'", "su - someone -c 'command -v jupyter pip'",
        "tmux -L t new -d 'podkeeper --version; tmux -L t wait -S end' && tmux -L t wait end && echo ended",
    ],
)  # fmt: skip
def test_podkeeper_is_found_in_every_shell(pod: Container, command: str) -> None:
    pod.run(f"id someone >/dev/null 2>&1 || {NAMED}")
    assert pod.run(command).strip()


def test_docker_exec_finds_podkeeper_without_a_shell(pod: Container) -> None:
    assert docker("exec", pod.id, "podkeeper", "status", "jupyter").stdout.startswith("jupyter   RUNNING")


def test_the_tools_that_people_expect_are_there(pod: Container) -> None:
    pod.run(f"for tool in {TOOLS}; do command -v $tool >/dev/null || {{ echo no $tool; exit 1; }}; done")


def test_the_image_brings_no_host_key_and_without_public_key_no_sshd_runs(pod: Container) -> None:
    assert pod.run("find /etc/ssh -name 'ssh_host_*'") == ""
    assert "sshd      STOPPED" in pod.run("podkeeper status sshd", check=False)
    assert pod.run("pgrep -x sshd", check=False) == ""


@pytest.mark.parametrize("options_", [(), ("--env", "PUID=1000")], ids=["root", "PUID"])
def test_ssh_sftp_and_rsync_work_and_the_host_key_survives_a_new_container(
    image: str, key: Path, tmp_path: Path, options_: tuple[str, ...]
) -> None:
    known, sent = tmp_path / "known", tmp_path / "sent"
    sent.mkdir()
    (sent / "file").write_bytes(os.urandom(100_000))
    with volume() as name:
        for _ in range(2):
            path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/mine"
            with running(image, *with_key(key), *options_, "--env", path, "--volume", f"{name}:/workspace") as pod:
                port = ssh_port(pod)
                shown = ssh(key, port, "id -u; podkeeper status jupyter; echo $HOME", known=known)
                uid, status, home = shown.stdout.splitlines()[0:3]
                assert uid == ("1000" if options_ else "0"), shown
                assert status.startswith("jupyter   ")
                assert home == ("/home/podkeeper" if options_ else "/root")
                login = ssh(key, port, text="command -v podkeeper jupyter; shopt login_shell\n", known=known)
                assert "/opt/podkeeper/env/bin/jupyter" in login.stdout
                assert "login_shell    \ton" in login.stdout
                here, there = (
                    ssh(key, port, *line, text="echo $PATH\n", known=known).stdout for line in ((), ("bash",))
                )
                assert here == there
                assert here.endswith("/mine\n")
                shell = " ".join(["ssh", *options(key, port, known)])
                target = "root@127.0.0.1:/comfyui/input/"
                for command in (
                    ["rsync", "-a", "-e", shell, f"{sent}/", target],
                    ["rsync", "-a", "-e", shell, f"{target}file", f"{tmp_path}/by-rsync"],
                    ["sftp", *options(key, port, known), f"{target}file", f"{tmp_path}/by-sftp"],
                ):
                    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
                    assert ended.returncode == 0, ended.stderr
                for way in ("by-rsync", "by-sftp"):
                    assert (tmp_path / way).read_bytes() == (sent / "file").read_bytes()
                    (tmp_path / way).unlink()
                assert pod.run("stat -c %u /comfyui/input/file").strip() == uid
                pod.wait_for_log("SSH        port 22")
                wait_until(partial(sshd_runs, pod), 20, "sshd has run for its `startsecs`", 0.2)
                assert "Problem" not in pod.log
                assert unexpected(pod.log) == []
                code, seconds = pod.stop()
                assert (code, seconds < 10) == (0, True)


def test_a_user_with_a_name_and_a_home_in_passwd_can_be_the_services(image: str, key: Path, tmp_path: Path) -> None:
    """www-data: /usr/sbin/nologin and a home that it cannot write to are in /etc/passwd."""
    with running(image, *with_key(key), "--env", "RUN_AS=33:33") as pod:
        shown = ssh(key, ssh_port(pod), "id -un; cd; pwd; touch mine && echo writes; echo $SHELL")
        assert shown.stdout.split() == ["www-data", "/home/podkeeper", "writes", "/bin/bash"], shown
    with running(image, *WITHOUT_COMFYUI, "--user", "33:33") as pod:
        pod.wait_for_jupyter()
        assert pod.run("id -un; bash -lc 'podkeeper status jupyter'").split()[:2] == ["www-data", "jupyter"]


@pytest.mark.parametrize(
    ("options_", "reason"),
    [
        (("--user", "1000:1000"), "uid 1000"),
        (("--cap-drop", "ALL", "--security-opt", "no-new-privileges"), "lacks capabilities"),
        (("--env", "PUBLIC_KEY=ssh-rsa nothing"), "no line of PUBLIC_KEY"),
    ],
    ids=["user", "no powers", "bad key"],
)
def test_where_sshd_cannot_run_a_condition_says_so_and_the_rest_works(
    image: str, key: Path, options_: tuple[str, ...], reason: str
) -> None:
    with running(image, *with_key(key), *options_) as pod:
        pod.wait_for_jupyter()
        wait_until(lambda: "SshUnavailable" in pod.run("podkeeper status", check=False), 30, "the condition", 0.3)
        assert reason in pod.run("podkeeper status", check=False)
        assert pod.run("pgrep -x sshd", check=False) == ""


@pytest.mark.parametrize(
    "options_",
    [
        ("--cap-drop", "ALL", *(f"--cap-add={name}" for name in ("SETUID", "SETGID", "SYS_CHROOT", "AUDIT_WRITE"))),
        ("--read-only", "--tmpfs", "/run", "--tmpfs", "/tmp", "--tmpfs", "/var/log", "--tmpfs", "/root",
         "--tmpfs", "/comfyui:exec,mode=0777"),
    ],
    ids=["four powers", "read-only"],
)  # fmt: skip
def test_ssh_works_in_a_restricted_container(image: str, key: Path, options_: tuple[str, ...]) -> None:
    with running(image, *with_key(key), *options_) as pod:
        port = ssh_port(pod)
        assert ssh(key, port, "id -u").stdout == "0\n"
        assert "/dev/pts/" in ssh(key, port, "tty", more=("-tt",)).stdout


def test_rsync_is_on_this_machine() -> None:
    assert shutil.which("rsync"), "apt-get install rsync: these tests send files with it"
