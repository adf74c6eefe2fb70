"""Between two starts the services' user replaces everything it can by links to root's files: nothing of root's changes.

Under PUID the services' user is less than root. Root's own part of a start must not be turned against root.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from tests.support.checkout import FAKE_COMFYUI
from tests.support.models.origin import Origin
from tests.support.pod import TOKEN, Pod, running
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
UID = 12345
SECRET = "only-root-may-read-this"
#: Programs that may stay root's: supervisord itself, the door, and the volume pass, which works by descriptors.
ROOTS = {"entrypoint.door", "entrypoint.volumes"}

LOGS = ("jupyter.log", "comfyui.log", "supervisord.log", "podkeeper-models.log")

#: Run as the services' user: replaces what it owns or can rename by links to the victims, in turn a file, a folder
#: and a fifo. argv: the pod's folder, the victims' folder.
ATTACK = """
import os, sys
home, victims = sys.argv[1:]
turn = 0
def replacement(path, kind):
    global turn
    turn += 1
    if turn % 7 == 0:
        os.mkfifo(path, 0o666)
    elif kind == "folder":
        os.symlink(victims + "/folder", path)
    else:
        os.symlink(victims + "/file", path)
def attack(folder):
    for entry in list(os.scandir(folder)):
        kind = "folder" if entry.is_dir(follow_symlinks=False) else "file"
        if kind == "folder":
            try:
                attack(entry.path)
            except OSError:
                pass
        if os.environ.get("WHOLE") or kind == "file":
            try:
                os.rename(entry.path, entry.path + ".was")
                replacement(entry.path, kind)
            except OSError:
                pass
def plant(path, target):
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(target, path)
    except OSError:
        pass
attack(home)
for below in ("comfyui/models/loras", "comfyui/.podkeeper", "comfyui/.podkeeper-12345", "home/.jupyter/labconfig"):
    plant(f"{home}/{below}", victims + "/folder")
for name in ("jupyter.log", "comfyui.log", "command.log", "supervisord.log", "podkeeper-models.log"):
    plant(f"{home}/log/{name}", victims + "/file")
for name in ("models.toml", "home/.jupyter/jupyter_lab_config.py"):
    plant(f"{home}/{name}", victims + "/file")
"""


def as_user(*command: str, check: bool = False, environ: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
    """Run a command as the services' user."""
    return subprocess.run(
        command, user=UID, group=UID, extra_groups=[], env=dict(environ), capture_output=True, text=True, timeout=60,
        check=check,
    )  # fmt: skip


@pytest.fixture
def victims(place: Path) -> Path:
    folder = place / "victims"
    (folder / "folder/below").mkdir(parents=True)
    (folder / "folder/jupyter_token").write_text(SECRET)
    (folder / "folder/below/deep").write_text(SECRET)
    (folder / "file").write_text(SECRET)
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return folder


def state(top: Path) -> dict[str, tuple[object, ...]]:
    """Everything about every file below: content, mode, owner, and that no name has come or gone."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(top.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(path)] = (oct(status.st_mode), status.st_uid, status.st_gid, content)
    return found


def comfyui(place: Path, python: str) -> None:
    """A ComfyUI whose first interpreter, which the services' user could place, writes down who runs it."""
    folder = place / "comfyui"
    shutil.copytree(FAKE_COMFYUI, folder)
    planted = folder / ".venv/bin/python"
    planted.parent.mkdir(parents=True)
    planted.write_text(f'#!/bin/sh\nid -u >>{place}/uids/$$\nexec {python} "$@"\n')
    planted.chmod(0o755)
    (place / "uids").mkdir()
    (place / "uids").chmod(0o777)


def environ(place: Path, origin: Origin) -> dict[str, str]:
    return {
        "PUID": str(UID), "PGID": str(UID), "COMFYUI_ENABLED": "true", "COMFYUI_DIR": str(place / "comfyui"),
        "HF_ENDPOINT": origin.hub_url, "HF_TOKEN": "hf_login-of-the-test", "VOLUME_POLICY": "owner",
    }  # fmt: skip


def attack(python: str, pod_home: Path, victims: Path, whole: bool) -> None:
    as_user(
        python, "-I", "-c", ATTACK, str(pod_home), str(victims), check=True, environ={"WHOLE": "1" if whole else ""}
    )


def plant_logs(home: Path, victims: Path) -> None:
    """Links in a log folder that everybody may write to, as `/var/log` of an image is before its first start."""
    folder = home / "log"
    folder.mkdir(parents=True)
    folder.chmod(0o1777)
    for name in LOGS:
        as_user("ln", "-s", str(victims / "file"), str(folder / name), check=True)


def manifest(home: Path) -> None:
    """A model that is wanted, in the user's own manifest."""
    text = 'schema = 1\n[bundles.B]\n[[files]]\nbundle = "B"\nsource = "huggingface"\nrepo_id = "o/r"\n'
    (home / "comfyui").mkdir(parents=True, exist_ok=True)
    path = home / "comfyui/models.toml"
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    path.write_text(text + 'path = "a.bin"\ndest = "loras/a.bin"\n')
    os.chown(path, UID, UID)


def status_page(pod: Pod, path: str) -> str:
    request = urllib.request.Request(
        f"http://127.0.0.1:{pod.status_port}{path}", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()


def responds(pod: Pod, path: str) -> bool:
    with contextlib.suppress(OSError):
        return bool(status_page(pod, path))
    return False


def roots_programs(pod: Pod) -> set[str]:
    """The modules that run as root below supervisord."""
    found = set()
    for process in psutil.Process(pod.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if 0 in process.uids():
                found.add(words[words.index("-m") + 1] if "-m" in words else " ".join(words))
    return found


@pytest.mark.parametrize("whole", [False, True], ids=["files", "files and folders"])
def test_a_hostile_services_user_changes_nothing_of_roots(place: Path, victims: Path, python: str, whole: bool) -> None:
    comfyui(place, python)
    home = place / "pod"
    before = state(victims)
    with Origin() as origin:
        origin.put("a.bin", b"a" * 1000)
        manifest(home)
        plant_logs(home, victims)
        with running(home, environ(place, origin) | {"MODELS": "auto"}, python=python) as pod:
            pod.wait_for_jupyter()
            wait_until(lambda: (home / "comfyui/models/loras/a.bin").exists(), 60, "the model is fetched", 0.1)
            wait_until(lambda: responds(pod, "/logs/jupyter"), 30, "the status server serves a log", 0.1)
            for name in ("jupyter", "comfyui", "pod", "models"):
                assert SECRET not in status_page(pod, f"/logs/{name}")
            assert not any((home / "log" / name).is_symlink() for name in LOGS)
            assert state(victims) == before
            assert (home / "comfyui/models/loras/a.bin").stat().st_uid == UID
            assert pod.stop() == 0
        attack(python, home, victims, whole)
        assert state(victims) == before
        with running(home, environ(place, origin) | {"MODELS": "auto"}, python=python) as pod:
            pod.wait_for_jupyter()
            pod.podkeeper("models", "add", f"{origin.hub_url}/o/r/resolve/main/a.bin", "--dest", "loras/b.bin")
            pod.podkeeper("models", "fetch")
            pod.podkeeper("models", "rm", "loras/a.bin")
            report = json.loads(pod.podkeeper("doctor", "--json").stdout)
            assert report
            bundle = place / "bundle.tar.gz"
            pod.podkeeper("doctor", "--bundle", str(bundle))
            assert bundle.stat().st_uid == 0
            content = subprocess.run(["tar", "xzOf", str(bundle)], capture_output=True, check=True).stdout.decode()
            assert "doctor" in content
            assert SECRET not in content
            for name in ("jupyter", "comfyui", "pod", "models"):
                assert SECRET not in status_page(pod, f"/logs/{name}")
            assert state(victims) == before
            assert roots_programs(pod) <= ROOTS | {"nginx"}
            assert pod.stop() == 0
    assert state(victims) == before
    uids = {line for path in (place / "uids").iterdir() for line in path.read_text().split()}
    assert uids == {str(UID)}


def test_the_services_user_can_read_no_login_of_the_fetcher(place: Path, python: str) -> None:
    """A process that has changed its user is not dumpable: its environment and memory stay root's."""
    comfyui(place, python)
    home = place / "pod"
    with Origin() as origin:
        origin.put("a.bin", os.urandom(1 << 20))
        origin.delay = 1.0
        manifest(home)
        with running(home, environ(place, origin) | {"MODELS": "auto"}, python=python) as pod:
            pod.wait_for_jupyter()
            wait_until(lambda: origin.hits, 60, "the fetcher sends a request", 0.1)
            (fetcher,) = [process for process in pod.family() if "entrypoint.models" in process.cmdline()]
            assert fetcher.uids() == (UID, UID, UID)
            for name in ("environ", "mem"):
                tried = as_user("cp", f"/proc/{fetcher.pid}/{name}", "/dev/null")
                assert "Permission denied" in tried.stderr, (name, tried)


def test_the_status_server_is_the_services_users_and_its_buttons_work(place: Path, python: str) -> None:
    comfyui(place, python)
    home = place / "pod"
    with Origin() as origin, running(home, environ(place, origin), python=python) as pod:
        pod.wait_for_jupyter()
        wait_until(lambda: responds(pod, "/status.json"), 30, "the status server answers", 0.1)

        def users() -> list[tuple[int, ...]]:
            return [tuple(each.uids()) for each in pod.family() if "entrypoint.status" in each.cmdline()]

        wait_until(lambda: users() == [(UID, UID, UID)], 20, "the status server is the services' user's", 0.1)
        found = (home / "run/supervisor.sock").stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (UID, 0o700)
        request = urllib.request.Request(
            f"http://127.0.0.1:{pod.status_port}/programs/jupyter/restart", method="POST",
            headers={"Authorization": f"Bearer {TOKEN}"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=20) as response:
            assert response.status < 300
        code = "import sys; from entrypoint.cli import main; sys.exit(main(sys.argv[1:]))"
        ended = as_user(python, "-I", "-c", code, "restart", "jupyter", environ=pod.environ)
        assert "jupyter: started" in ended.stdout, ended
