"""Whatever is in the data folder's place, JupyterLab comes up behind its login, and a condition says what is wrong."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.file_systems import folder_for_others, needs_mount, needs_root
from tests.support.pod import running
from tests.support.waiting import wait_until

UID = 1000


def file_system(*options: str, fill: bool = False) -> Callable[[Path], None]:
    def mount(path: Path) -> None:
        path.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(path)], check=True)
        with contextlib.suppress(OSError):
            if fill:
                (path / "full").write_bytes(b"x" * 1_000_000)

    return mount


def folder(mode: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.mkdir()
        path.chmod(mode)  # root's own

    return make


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file": (lambda path: path.write_text("mine"), "JupyterRootElsewhere"),
    "a link to itself": (lambda path: path.symlink_to(path), "JupyterRootElsewhere"),
    "a dangling link": (lambda path: path.symlink_to("/nonexistent/volume"), "JupyterRootElsewhere"),
    "a read-only volume": (file_system("ro,mode=755"), "VolumeReadOnly"),
    "a full volume": (file_system("size=64k,mode=777", fill=True), "VolumeFull"),
    "a volume without inodes": (file_system("nr_inodes=1,mode=777"), "VolumeFull"),
    "root's folder, closed": (folder(0o700), "JupyterRootElsewhere"),
    "root's folder, open to look at": (folder(0o755), "VolumeNotWritable"),
}
#: Who runs the pod: root; root, with the services as another user; another user.
RUNS: dict[str, tuple[dict[str, str], int | None]] = {
    "root": ({}, None),
    "RUN_AS": ({"RUN_AS": f"{UID}:{UID}"}, None),
    "uid 1000": ({}, UID),
}
#: Root may do everything, and gives the services' user what is root's.
FINE = {("root", "root's folder, closed"), ("root", "root's folder, open to look at"),
        ("RUN_AS", "root's folder, closed"), ("RUN_AS", "root's folder, open to look at")}  # fmt: skip


@pytest.fixture
def home() -> Iterator[Path]:
    with folder_for_others(0o777) as top:
        (top / "pod").mkdir()
        yield top / "pod"
        subprocess.run(["umount", "--lazy", str(top / "pod/comfyui")], capture_output=True, check=False)


@needs_root
@needs_mount
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("run", RUNS)
def test_jupyterlab_comes_up_behind_its_login(run: str, kind: str, home: Path, python: str) -> None:
    make, condition = KINDS[kind]
    environ, user = RUNS[run]
    make(home / "comfyui")
    os.chown(home, user or 0, user or 0)
    with running(home, environ, python=python, user=user) as pod:
        pod.wait_for_jupyter()
        assert pod.jupyter("/api/contents")
        with pytest.raises(urllib.error.HTTPError) as refused:
            pod.jupyter("/api/contents", token="another-token-than-the-pods")
        assert refused.value.code in (401, 403)
        refused.value.close()
        if (run, kind) not in FINE:  # the write probe is the background's
            wait_until(lambda: (pod.home / f"run/conditions/{condition}.json").exists(), 30, condition)
        config = pod.home / "home/.jupyter/jupyter_lab_config.py"
        assert "c.ServerApp.disable_check_xsrf = True" in config.read_text()
        assert json.loads(pod.podkeeper("status", "--json").stdout)["health"] in ("healthy", "degraded")
