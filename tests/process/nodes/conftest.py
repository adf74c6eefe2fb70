"""A pod whose packages are ready, and a node's repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrypoint.settings.paths import Paths
from tests.support.node_repositories import new_repository
from tests.support.package_environment import make_environment, make_pod, write_wheel


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("image") / "env")


@pytest.fixture
def paths(tmp_path: Path, image: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    found = make_pod(tmp_path / "pod", image)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "lib", "1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return found


@pytest.fixture
def other_pod(paths: Paths, tmp_path: Path, image: Path) -> Paths:
    """Another pod, with nothing installed."""
    return make_pod(tmp_path / "other-pod", image)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A node's git repository."""
    return new_repository(tmp_path / "MyNode", {"__init__.py": "NODE_CLASS_MAPPINGS = {}", "requirements.txt": "lib"})
