"""Local mode with few open files or processes allowed, and below odd paths."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.file_systems import needs_root
from tests.support.pod import running


@pytest.mark.parametrize("files", [1023, 256])
def test_a_pod_starts_with_few_open_files_allowed(files: int, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec prlimit --nofile={files}:{files} {sys.executable} "$@"\n')
    python.chmod(0o755)
    with running(tmp_path / "pod", python=str(python)) as pod:
        pod.wait_for_jupyter()
        assert pod.stop() == 0


def test_too_few_open_files_are_one_line(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "PODKEEPER_HOME": str(tmp_path / "pod")}
    command = ["prlimit", "--nofile=40:40", sys.executable, "-I", "-m", "entrypoint"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 73
    assert ended.stderr.splitlines()[-1].startswith("podkeeper: ")
    assert "40 open files are allowed" in ended.stderr
    assert "Traceback" not in ended.stderr


@needs_root
def test_a_pod_starts_with_150_processes_allowed(python: str) -> None:
    """The kernel counts them for each user (setrlimit(2), RLIMIT_NPROC), and root is exempt."""
    user = 54321
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is root's alone
        Path(folder).chmod(0o755)
        limited = Path(folder, "python")
        limited.write_text(f'#!/bin/sh\nexec prlimit --nproc=150:150 {python} "$@"\n')
        limited.chmod(0o755)
        home = Path(folder, "theirs")
        home.mkdir()
        os.chown(home, user, user)
        with running(home / "pod", python=str(limited), user=user) as pod:
            pod.wait_for_jupyter()
            assert pod.stop() == 0


def test_a_checkout_whose_path_has_a_quote_is_one_line(tmp_path: Path) -> None:
    venv.create(tmp_path / 'a"q', symlinks=True)
    (site,) = (tmp_path / 'a"q/lib').glob("python3*/site-packages")
    (site / "packages.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n")
    environ = {"PATH": os.environ["PATH"], "PODKEEPER_HOME": str(tmp_path / "pod")}
    command = [str(tmp_path / 'a"q/bin/python'), "-I", "-m", "entrypoint"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 73
    assert "supervisord.conf cannot hold a path with" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", ["a place with spaces", "it's \u00fcber", "x" * 130, "100% %(x)s"])
def test_the_command_and_a_pod_below_an_odd_path(name: str, tmp_path: Path) -> None:
    top = tmp_path / name
    venv.create(top / "venv", symlinks=True)
    python = top / "venv/bin/python"
    (site,) = (top / "venv/lib").glob("python3*/site-packages")
    (site / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    subprocess.run([str(python), str(ROOT / "scripts/finish_venv.py"), str(ROOT)], check=True, timeout=60)
    command = str(top / "venv/bin/podkeeper")
    version = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=30, check=False)
    assert version.stdout.startswith("podkeeper "), version.stderr
    home = tmp_path / "a pod" if "%" in name else top / "a pod"  # PODKEEPER_HOME takes no %
    with running(home, python=str(python)) as pod:
        pod.wait_for_jupyter()
        status = subprocess.run([command, "status"], env=pod.environ, capture_output=True, text=True, timeout=30)
        assert "jupyter" in status.stdout
