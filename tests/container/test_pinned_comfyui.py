"""The clone of ComfyUI in the Dockerfile stops where the tag names another commit than the pinned one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.conftest import BASE
from tests.support.checkout import ROOT
from tests.support.container.engine import docker
from tests.support.ports import free_port
from tests.support.waiting import wait_until


def git(*words: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.run(["git", *identity, *words], check=True, capture_output=True, text=True).stdout.strip()


def clone(repository: str, commit: str) -> subprocess.CompletedProcess[str]:
    """The Dockerfile's own step."""
    return docker(
        "build", "--progress", "plain", "--network", "host", "--target", "comfyui-clone",
        "--build-arg", f"BASE_IMAGE={BASE}", "--build-arg", f"COMFYUI_REPO={repository}",
        "--build-arg", "COMFYUI_REF=v1", "--build-arg", f"COMFYUI_COMMIT={commit}", str(ROOT),
        check=False,
    )  # fmt: skip


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A repository with the annotated tag v1, and its address."""
    origin = tmp_path / "origin"
    git("init", "-q", str(origin))
    git("-C", str(origin), "commit", "-q", "--allow-empty", "-m", "one")
    git("-C", str(origin), "tag", "-a", "v1", "-m", "v1")
    port = free_port()
    address = f"git://127.0.0.1:{port}/origin"
    program = f"{git('--exec-path')}/git-daemon"  # itself, not git: git would leave it behind
    command = [program, f"--base-path={tmp_path}", "--export-all", "--listen=127.0.0.1", f"--port={port}"]
    daemon = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        responds = ["git", "ls-remote", address]
        wait_until(lambda: not subprocess.run(responds, capture_output=True).returncode, 10, "git daemon responds")
        yield origin, address
    finally:
        daemon.terminate()
        daemon.wait()


def test_a_tag_that_was_moved_ends_the_build(repository: tuple[Path, str]) -> None:
    origin, address = repository
    reviewed = git("-C", str(origin), "rev-parse", "HEAD")
    good = clone(address, reviewed)
    assert good.returncode == 0, good.stderr
    git("-C", str(origin), "commit", "-q", "--allow-empty", "-m", "two")
    git("-C", str(origin), "tag", "-f", "-a", "v1", "-m", "v1")
    # Another address, so that the engine's cache does not have this step.
    moved = clone(f"{address}/", reviewed)
    assert moved.returncode != 0
    assert f"is commit {git('-C', str(origin), 'rev-parse', 'HEAD')}" in moved.stderr
    assert f"COMFYUI_COMMIT is '{reviewed}'" in moved.stderr
