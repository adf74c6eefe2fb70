"""`podkeeper nodes install wan`: pinned nodes and their pinned packages, with real git and real pip."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from entrypoint.nodes import pack
from entrypoint.nodes.inventory import folder_of
from entrypoint.nodes.lock import read_lock
from entrypoint.nodes.pack_names import PACKS
from entrypoint.packages.distributions import added
from entrypoint.packages.overlay import Overlay
from entrypoint.settings.paths import Paths
from tests.support.node_repositories import head


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
    for names in PACKS.values():
        for name in names:
            lock = read_lock(Path(pack.__file__).parent.joinpath("packs", f"{name}.lock").read_text())
            assert lock.nodes
            assert all(len(node.commit) >= 10 and node.repository.startswith("https://") for node in lock.nodes)
            text = Path(pack.__file__).parent.joinpath("packs", f"{name}.txt").read_text()
            assert text.count("==") <= text.count("--hash")
            assert not re.search(r"(?m)^(torch|numpy|nvidia-cu\w+)==", text)  # the image's
