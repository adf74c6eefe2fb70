"""The variant that asks for rclone has it; the others do not have its 59 MB."""

from __future__ import annotations

import pytest

from tests.container.conftest import build
from tests.support.container.engine import docker


@pytest.fixture(scope="module")
def with_rclone(image: str) -> str:
    """The image without ComfyUI, and rclone on top of it."""
    build("podkeeper-test:rclone", "--build-arg", "COMFYUI=off", "--build-arg", "RCLONE=on")
    return "podkeeper-test:rclone"


def test_only_the_variant_that_asks_for_rclone_has_it(image: str, with_rclone: str) -> None:
    version = docker("run", "--rm", "--entrypoint", "rclone", with_rclone, "version").stdout
    assert version.startswith("rclone v1.")
    assert docker("run", "--rm", "--entrypoint", "rclone", image, "version", check=False).returncode == 127
