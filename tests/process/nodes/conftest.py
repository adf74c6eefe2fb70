"""A pod whose packages are ready, and a node's repository."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from entrypoint.nodes import pack_files
from entrypoint.nodes.lock import Locked, NodesLock, text_of
from entrypoint.packages.distributions import key_of
from entrypoint.packages.overlay import Overlay
from entrypoint.packages.restore import locked, restore
from entrypoint.packages.store import Store
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from tests.support.node_repositories import commit, head, new_repository
from tests.support.package_environment import make_environment, write_wheel


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("image") / "env")


@pytest.fixture
def paths(tmp_path: Path, image: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    facts = Facts(mounts=frozenset(), uid=os.geteuid(), temporary="/tmp", python=sys.executable)
    found = locate(Settings(home=str(tmp_path / "pod")), facts)
    overlay = Overlay(f"{found.packages}/env", str(image))
    with locked(overlay):
        restore(overlay, Store(str(tmp_path / "store"), key_of(overlay.image), "pod"), {})
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "lib", "1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return found


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
