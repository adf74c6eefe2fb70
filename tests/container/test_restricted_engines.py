"""Engines that restrict the container: another user, a read-only root, no capabilities, few processes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.container.engine import Container, docker, running, volume
from tests.support.container.log_check import unexpected
from tests.support.waiting import wait_until

WITHOUT_COMFYUI = ("--env", "COMFYUI_ENABLED=false")
#: Where a pod with a read-only root has to be able to write. exec: people keep programs in their data folder.
WRITABLE = ("--tmpfs", "/run", "--tmpfs", "/tmp", "--tmpfs", "/var/log", "--tmpfs", "/root")
NO_POWERS = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges")


def works(pod: Container) -> None:
    """JupyterLab makes a file; the log, the status and a stop are as they should be."""
    pod.wait_for_jupyter()
    pod.wait_for_log("  Logs ")
    pod.run("test -w /comfyui/input || test -w /workspace/comfyui/input")
    assert pod.jupyter("/api/contents/input")["writable"]
    assert pod.jupyter("/api/contents/input")["content"] == []
    assert unexpected(pod.log) == []
    assert "Problem" not in pod.log
    wait_until(lambda: "RUNNING" in pod.run("podkeeper status jupyter", check=False), 10, "its state", 0.2)
    code, seconds = pod.stop()
    assert (code, seconds < 10) == (0, True)


@pytest.mark.parametrize(
    "options",
    [
        ("--user", "1000:1000"),
        ("--user", "1234567:0"),
        ("--user", "1000:1000", *NO_POWERS),
        NO_POWERS,
        ("--read-only", *WRITABLE, "--tmpfs", "/comfyui:exec,mode=0777"),
        ("--read-only", *WRITABLE, "--tmpfs", "/home/podkeeper", "--tmpfs", "/comfyui:exec,mode=0777",
         "--user", "1000:1000", *NO_POWERS),
        ("--pids-limit", "256", "--memory", "1g"),
    ],
    ids=["user", "any uid, gid 0", "user, no powers", "root, no powers", "read-only", "all of it", "limits"],
)  # fmt: skip
def test_the_pod_works_under_each_restriction(image: str, options: tuple[str, ...]) -> None:
    with running(image, *WITHOUT_COMFYUI, *options) as pod:
        works(pod)


@pytest.mark.parametrize(
    "options",
    [("--user", "1000:1000"), ("--read-only", *WRITABLE)],
    ids=["user", "read-only"],
)
def test_a_volume_is_used_where_comfyui_cannot_become_a_link_to_it(
    image: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Neither can replace /comfyui; data that went there would be gone with the container."""
    tmp_path.chmod(0o777)
    with running(image, *WITHOUT_COMFYUI, "--volume", f"{tmp_path}:/workspace", *options) as pod:
        works(pod)
        assert (tmp_path / "comfyui/input").is_dir()
    if "--user" in options:
        assert (tmp_path / "comfyui/input").stat().st_uid == 1000


def test_a_bind_mount_at_comfyui_is_the_data_folder(image: str, tmp_path: Path) -> None:
    with running(image, *WITHOUT_COMFYUI, "--volume", f"{tmp_path}:/comfyui") as pod:
        works(pod)
        assert (tmp_path / "models/loras").is_dir()


def test_puid_runs_the_services_as_that_user(image: str) -> None:
    with volume() as name, running(
        image, *WITHOUT_COMFYUI, "--env", "PUID=1000", "--volume", f"{name}:/workspace"
    ) as pod:  # fmt: skip
        pod.wait_for_jupyter()
        (line,) = [row for row in docker_top(pod) if "-m entrypoint.jupyter" in row]
        assert line.split()[0] == "1000"
        pod.run("test $(stat -c %u /workspace/comfyui) = 0 -o -w /workspace/comfyui")


def test_a_uid_without_a_passwd_entry_has_a_user_name_for_torch(image: str) -> None:
    """torch calls getpass.getuser() at import."""
    with running(image, *WITHOUT_COMFYUI, "--user", "1000:1000") as pod:
        pod.wait_for_jupyter()
        assert "USER=podkeeper" in pod.run("tr '\\0' '\\n' < /proc/1/environ")


def docker_top(pod: Container) -> list[str]:
    """`docker top`: uid and command of every process."""
    return docker("top", pod.id, "-eo", "uid,pid,args").stdout.splitlines()[1:]


def test_a_pod_that_can_write_nowhere_says_where_and_ends(image: str) -> None:
    """--read-only with nothing writable: an exit code and a line, not a pod that hangs."""
    ended = subprocess.run(["docker", "run", "--rm", "--read-only", image], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 73
    assert ended.stderr.startswith("podkeeper: cannot make the pod's own folders: /")
    assert ended.stderr.count("\n") == 1
