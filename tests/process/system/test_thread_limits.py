"""Launchers in a container that allows less than the machine shows: made-up cgroup files, in a mount namespace."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import read_conditions
from tests.support.file_systems import needs_mount
from tests.support.pod import environ_for

needs_cores = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
_COMFYUI = """
import os
from entrypoint.comfyui import __main__ as launcher
launcher.os.execve = lambda path, command, environ: os.write(1, ("has " + environ.get("{0}", "none")).encode())
launcher.main()
"""
_JUPYTER = """
import os, jupyterlab.labapp
jupyterlab.labapp.main = lambda: print("has", os.environ.get("{0}", "none"))
from entrypoint.jupyter import __main__ as launcher
launcher.main()
"""


def launch(code: str, home: Path, files: Mapping[str, str], **environ: str) -> str:
    """Run a launcher's code with cgroup files; returns the value of OMP_NUM_THREADS that its program gets."""
    group = home.parent / "cgroup"
    group.mkdir(exist_ok=True)
    for name, text in files.items():
        (group / name).write_text(text)
    facts = Facts(mounts=frozenset(), uid=os.getuid(), temporary="/tmp", python=sys.executable)
    paths = locate(Settings(home=str(home)), facts)
    base = {"PATH": os.environ["PATH"], "PODKEEPER_HOME": str(home), "JUPYTER_CONFIG_DIR": f"{paths.home}/.jupyter"}
    base |= paths.to_environ()
    os.makedirs(paths.reports, exist_ok=True)
    (home.parent / "me").write_text("0::/\n")
    script = f'mount --bind "{group}" /sys/fs/cgroup && mount --bind "{home.parent}/me" /proc/$$/cgroup && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", code.format("OMP_NUM_THREADS")]
    ended = subprocess.run(command, env=base | environ, capture_output=True, text=True, timeout=60, check=False)
    assert "has " in ended.stdout, ended.stdout + ended.stderr
    return ended.stdout.rpartition("has ")[2].strip()


@needs_mount
@needs_cores
def test_comfyui_gets_as_many_threads_as_the_container_has_cores(tmp_path: Path) -> None:
    home, pod = tmp_path / "pod", environ_for(tmp_path)
    assert launch(_COMFYUI, home, {"cpu.max": "50000 100000", "pids.max": "100"}, **pod) == "1"
    found = {each.name: each.reason for each in read_conditions(str(home / "run"))}
    assert "may have 100 processes and threads" in found["ThreadLimitLow"]
    assert launch(_COMFYUI, home, {"cpu.max": "50000 100000", "pids.max": "max"}, OMP_NUM_THREADS="3", **pod) == "3"
    assert "ThreadLimitLow" not in {each.name for each in read_conditions(str(home / "run"))}
    assert launch(_COMFYUI, home, {"cpu.max": "max 100000"}, **pod) == "none"


@needs_mount
@needs_cores
def test_jupyterlab_and_its_kernels_get_them_too(tmp_path: Path) -> None:
    assert launch(_JUPYTER, tmp_path / "pod", {"cpu.max": "50000 100000"}) == "1"
    assert launch(_JUPYTER, tmp_path / "pod", {"cpu.max": "max 100000"}) == "none"
