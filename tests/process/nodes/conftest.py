"""A pod whose packages are ready, and a node's repository."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from entrypoint.nodes import pack_files
from entrypoint.nodes.lock import Locked, NodesLock, text_of
from entrypoint.settings.paths import Paths
from tests.support.node_repositories import commit, head, new_repository
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


@pytest.fixture
def packs(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two packs: the first node's first commit and a package by hash, and another node without packages."""
    folder = tmp_path / "packs"
    folder.mkdir()
    wheel = write_wheel(Path(os.environ["PIP_FIND_LINKS"]), "lib", "1.1")
    first = head(repository)
    commit(repository, {"requirements.txt": "nowhere-to-be-found"})
    other = new_repository(tmp_path / "Other", {"__init__.py": ""})
    (folder / "wan.lock").write_text(text_of(NodesLock((Locked("MyNode", str(repository), first),))))
    (folder / "wan.txt").write_text(f"lib==1.1 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    (folder / "flux.lock").write_text(text_of(NodesLock((Locked("Other", str(other), head(other)),))))
    (folder / "flux.txt").write_text("")
    monkeypatch.setattr(pack_files, "FOLDER", str(folder))
    return folder
