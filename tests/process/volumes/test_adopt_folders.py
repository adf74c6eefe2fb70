"""Adoption of the former template's folders on a real file system."""

import os
from pathlib import Path

import pytest

from entrypoint.conditions.condition import CannotDo
from entrypoint.settings.paths import Paths
from entrypoint.volumes import merge_folders
from entrypoint.volumes.adopt_folders import adopt_folders, linked_folders
from entrypoint.volumes.adoption_plan import Facts, LinkPlan, plan_link


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    volume = tmp_path / "workspace"
    volume.mkdir()
    return Paths(
        data=str(tmp_path / "comfyui"), stored=str(volume / "comfyui"), volume=str(volume),
        log="", home="", runtime="", python="", kept_secrets="", models_state="", packages="/nonexistent/packages",
    )  # fmt: skip


def put(path: Path, text: str = "text") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_former_templates_models_are_linked(paths: Paths, tmp_path: Path) -> None:
    put(tmp_path / "workspace" / "models" / "vae" / "x")
    adopt_folders(paths)
    assert os.readlink(f"{paths.stored}/models") == "../models"
    assert (tmp_path / "workspace" / "comfyui" / "models" / "vae" / "x").read_text() == "text"
    assert not os.path.lexists(f"{paths.stored}/output")
    assert linked_folders(paths) == [f"{paths.volume}/models"]


def test_a_second_adoption_changes_nothing(paths: Paths, tmp_path: Path) -> None:
    put(tmp_path / "workspace" / "models" / "vae" / "x")
    adopt_folders(paths)
    before = os.lstat(f"{paths.stored}/models")
    adopt_folders(paths)
    assert os.lstat(f"{paths.stored}/models") == before


def test_without_the_former_templates_folders_nothing_happens(paths: Paths) -> None:
    adopt_folders(paths)
    assert os.listdir(paths.volume) == []
    assert linked_folders(paths) == []


def test_two_real_folders_become_one(paths: Paths, tmp_path: Path) -> None:
    old, new = tmp_path / "workspace" / "models", tmp_path / "workspace" / "comfyui" / "models"
    put(old / "vae" / "x", "old")
    put(new / "vae" / "y", "new")
    put(new / "loras" / "z", "new")
    (new / "clip").mkdir()
    adopt_folders(paths)
    assert {p.relative_to(old).as_posix(): p.read_text() for p in old.rglob("*") if p.is_file()} == {
        "vae/x": "old",
        "vae/y": "new",
        "loras/z": "new",
    }
    assert new.is_symlink()


def test_two_files_of_one_name_are_both_kept(paths: Paths, tmp_path: Path) -> None:
    old, new = tmp_path / "workspace" / "models", tmp_path / "workspace" / "comfyui" / "models"
    put(old / "x", "old")
    put(new / "x", "new")
    put(new / "y", "new")
    with pytest.raises(CannotDo, match="FolderInTheWay"):
        adopt_folders(paths)
    assert [(old / "x").read_text(), (new / "x").read_text(), (new / "y").read_text()] == [
        "old",
        "new",
        "new",
    ]
    assert not new.is_symlink()


def test_a_file_that_appears_during_the_merge_is_not_replaced(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another pod on the same volume: the rename is refused, and every file is in its old place."""
    old, new = tmp_path / "workspace" / "models", tmp_path / "workspace" / "comfyui" / "models"
    put(old / "x", "old")
    put(new / "y", "new")

    def plan_then_lose_the_race(facts: Facts) -> LinkPlan:
        made = plan_link(facts)
        if made.actions:
            put(old / "y", "another pod's")
        return made

    monkeypatch.setattr(merge_folders, "plan_link", plan_then_lose_the_race)
    with pytest.raises(CannotDo, match="File exists"):
        adopt_folders(paths)
    assert [(old / "y").read_text(), (new / "y").read_text()] == ["another pod's", "new"]
