"""`podkeeper nodes install wan`: pinned nodes and their pinned packages, with real git and real pip."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest

from entrypoint.nodes import pack, pack_files
from entrypoint.nodes.inventory import folder_of
from entrypoint.nodes.lock import Locked, NodesLock, read_lock, text_of
from entrypoint.packages.distributions import added
from entrypoint.packages.overlay import Overlay
from entrypoint.settings.paths import Paths
from tests.support.node_repositories import commit, head, new_repository
from tests.support.package_environment import write_wheel


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


def packages(paths: Paths) -> dict[str, str]:
    return {name: each.version for name, each in added(Overlay(f"{paths.packages}/env", "").site).items()}


def test_a_pack_has_the_pinned_commits_and_packages(paths: Paths, packs: Path) -> None:
    assert pack.install_pack(paths, "wan") == 0
    (node,) = read_lock((packs / "wan.lock").read_text()).nodes
    assert head(Path(folder_of(paths)) / "MyNode") == node.commit
    assert packages(paths) == {"lib": "1.1"}
    assert pack.install_pack(paths, "all") == 0
    assert sorted(os.listdir(folder_of(paths))) == ["MyNode", "Other"]


def test_a_node_that_asks_for_more_gets_it(paths: Paths, packs: Path) -> None:
    (packs / "wan.txt").write_text("")
    assert pack.install_pack(paths, "wan") == 0
    assert "lib" in packages(paths)


def test_packages_that_do_not_fit_leave_each_node_what_it_asks_for(
    paths: Paths, packs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (packs / "wan.txt").write_text(f"lib==1.1 --hash=sha256:{'0' * 64}\n")
    assert pack.install_pack(paths, "wan") == 0
    assert "the pinned packages do not fit" in capsys.readouterr().out
    assert "lib" in packages(paths)


def test_the_packs_of_the_project_can_be_read() -> None:
    for names in pack_files.PACKS.values():
        for name in names:
            lock = read_lock(Path(pack.__file__).parent.joinpath("packs", f"{name}.lock").read_text())
            assert lock.nodes
            assert all(len(node.commit) >= 10 and node.repository.startswith("https://") for node in lock.nodes)
            text = Path(pack.__file__).parent.joinpath("packs", f"{name}.txt").read_text()
            assert text.count("==") <= text.count("--hash")
            assert not re.search(r"(?m)^(torch|numpy|nvidia-cu\w+)==", text)  # the image's
