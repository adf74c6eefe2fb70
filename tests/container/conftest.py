"""The real Dockerfile, built once a run on a local base: JupyterLab for real, ComfyUI played by tests/process."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.container.engine import Container, docker, running
from tests.support.container.wheel import write_empty_wheel

BASE = os.environ.get("BASE_IMAGE", "localhost/base:bookworm")
LONG = 1200


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip where it is not asked for, or can't be done; a skip says why."""
    reason = why_not()
    if reason:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


def why_not() -> str:
    """Why these tests can't run here, or ""."""
    if os.environ.get("PODKEEPER_CONTAINER") != "1":
        return "the image's tests run with PODKEEPER_CONTAINER=1 (they build the image: minutes)"
    if not shutil.which("docker"):
        return "there is no Docker engine: run scripts/engine as root"
    if docker("version", check=False).returncode:
        return "the Docker engine does not answer: run scripts/engine as root"
    if docker("image", "inspect", BASE, check=False).returncode:
        return f"there is no base image {BASE}: run scripts/engine as root"
    return ""


def build(tag: str, *options: str) -> None:
    """Build the Dockerfile as it is."""
    command = ["docker", "build", "--quiet", "--tag", tag, "--build-arg", f"BASE_IMAGE={BASE}", *options]
    ended = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, timeout=LONG)
    assert ended.returncode == 0, ended.stderr[-4000:]


@pytest.fixture(scope="session")
def image() -> str:
    """The image without ComfyUI."""
    build("podkeeper-test:off", "--build-arg", "COMFYUI=off")
    return "podkeeper-test:off"


@pytest.fixture(scope="session")
def image_with_comfyui(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image with a ComfyUI from build contexts: the fake, and a package called torch."""
    wheels = tmp_path_factory.mktemp("wheels")
    write_empty_wheel(wheels, "torch")
    (wheels / "requirements.txt").write_text("torch==0.0.0\n")
    build(
        "podkeeper-test:on",
        "--build-context", f"comfyui={ROOT / 'tests/support/fake_comfyui'}",
        "--build-context", f"wheels={wheels}",
    )  # fmt: skip
    return "podkeeper-test:on"


@pytest.fixture(scope="module")
def pod(image: str) -> Iterator[Container]:
    """A pod as `docker run` starts it, for tests that only look."""
    with running(image, "--env", "COMFYUI_ENABLED=false") as started:
        started.wait_for_jupyter()
        started.wait_for_log("  Logs ")
        yield started
