"""The custom nodes of the image: fetched at its build, linked where the user has no node of that name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrypoint.nodes import bake, commands, image_nodes, keep_lock, pack_files
from entrypoint.nodes.image_nodes import link_image_nodes, links_folder
from entrypoint.nodes.inventory import OFF, folder_of, inventory
from entrypoint.nodes.lock import Locked, NodesLock, text_of
from entrypoint.nodes.origin import origin_of
from entrypoint.nodes.update import update
from entrypoint.settings.paths import Paths
from tests.support.node_repositories import commit, git, head, new_repository


@pytest.fixture
def baked(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `bake` makes of two packs; one node has large examples and a submodule."""
    part = new_repository(tmp_path / "Part", {"part.py": ""})
    other = new_repository(tmp_path / "Other", {"__init__.py": "", "examples/flow.json": "{}"})
    (other / "examples/a.png").write_bytes(bytes(200_000))
    (other / "icon.png").write_bytes(bytes(200_000))
    git(other, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(part), "part")
    commit(other, {})
    packs = tmp_path / "packs"
    packs.mkdir()
    nodes = {
        "wan": Locked("MyNode", str(repository), head(repository)),
        "flux": Locked("Other", str(other), head(other)),
    }
    for name, node in nodes.items():
        (packs / f"{name}.lock").write_text(text_of(NodesLock((node,))))
        (packs / f"{name}.txt").write_text("torch==2.10.0 \\\n    --hash=sha256:00\n" if name == "wan" else "none==1\n")
    monkeypatch.setattr(pack_files, "FOLDER", str(packs))
    config = tmp_path / "gitconfig"
    config.write_text('[protocol "file"]\n\tallow = always\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    folder = tmp_path / "comfyui-nodes"
    folder.mkdir()
    assert bake.main(str(folder)) == 0
    monkeypatch.setattr(image_nodes, "FOLDER", str(folder))
    monkeypatch.setattr(image_nodes.image_packages, "__defaults__", (str(folder),))
    return folder


def test_baked_nodes_have_no_examples_and_no_history(baked: Path, tmp_path: Path) -> None:
    other = baked / "Other"
    assert not (other / "examples/a.png").exists()
    assert (other / "examples/flow.json").exists()
    assert (other / "icon.png").exists()
    assert (other / "part/part.py").exists()
    assert origin_of(str(other)).commit == head(tmp_path / "Other") == head(other)
    assert not [path for path in (other / ".git").rglob("*") if path.is_file() and path.name not in ("HEAD", "config")]
    assert not (other / "part/.git").exists()


def names_of(paths: Paths) -> dict[str, str]:
    return {node.name: node.state for node in inventory(paths)}


def test_a_node_of_the_users_takes_the_place_of_the_images(paths: Paths, baked: Path) -> None:
    users = Path(folder_of(paths))
    users.mkdir(parents=True)
    file = link_image_nodes(paths, str(users), str(baked))
    assert Path(file).read_text() == f"podkeeper_image:\n  custom_nodes: {links_folder(paths)}\n"
    assert sorted(os.listdir(links_folder(paths))) == ["MyNode", "Other"]
    assert Path(links_folder(paths), "Other", "__init__.py").exists()
    (users / "mynode").mkdir()
    (users / ".disabled").mkdir()
    (users / ".disabled/other@1_0").mkdir()
    link_image_nodes(paths, str(users), str(baked))
    assert os.listdir(links_folder(paths)) == []
    (users / "mynode").rmdir()
    (users / ".disabled/other@1_0").rmdir()
    link_image_nodes(paths, str(users), str(baked))
    assert sorted(os.listdir(links_folder(paths))) == ["MyNode", "Other"]


def test_an_image_without_nodes_links_nothing(paths: Paths, tmp_path: Path) -> None:
    assert link_image_nodes(paths, folder_of(paths), str(tmp_path / "none")) == ""
    assert not os.path.exists(links_folder(paths))


def test_a_node_of_the_images_is_switched_off_and_never_changed(
    paths: Paths, baked: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link_image_nodes(paths, folder_of(paths), str(baked))
    assert names_of(paths) == {"MyNode": "new", "Other": "new"}
    assert update(paths, ["MyNode"]) == 1
    assert f"podkeeper: MyNode is the image's; a newer one of your own: podkeeper nodes install {repository}" in (
        capsys.readouterr().err
    )
    assert commands.remove(paths, "MyNode") == 0
    link_image_nodes(paths, folder_of(paths), str(baked))
    assert names_of(paths) == {"Other": "new", "MyNode.disabled": OFF}
    assert (baked / "MyNode/__init__.py").exists()


def test_the_lock_of_the_images_nodes_has_their_packages(paths: Paths, baked: Path) -> None:
    assert keep_lock.current_lock(paths).packages == {"torch": "2.10.0+cu128"}
