"""The ancestor's folders on a real file system."""

import os

import pytest

from entrypoint.conditions.condition import CannotDo
from entrypoint.settings.paths import Paths
from entrypoint.volumes.adopt_folders import linked_folders, use_the_ancestors_folders


@pytest.fixture
def paths(tmp_path):
    volume = tmp_path / "workspace"
    volume.mkdir()
    return Paths(
        data=str(tmp_path / "comfyui"), stored=str(volume / "comfyui"), volume=str(volume),
        log="", home="", runtime="", python="",
    )  # fmt: skip


def put(path, text="text"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_ancestors_models_are_comfyuis(paths, tmp_path):
    put(tmp_path / "workspace" / "models" / "vae" / "x")
    use_the_ancestors_folders(paths)
    assert os.readlink(f"{paths.stored}/models") == "../models"
    assert (tmp_path / "workspace" / "comfyui" / "models" / "vae" / "x").read_text() == "text"
    assert not os.path.lexists(f"{paths.stored}/output")
    assert linked_folders(paths) == [f"{paths.volume}/models"]


def test_twice_is_once(paths, tmp_path):
    put(tmp_path / "workspace" / "models" / "vae" / "x")
    use_the_ancestors_folders(paths)
    before = os.lstat(f"{paths.stored}/models")
    use_the_ancestors_folders(paths)
    assert os.lstat(f"{paths.stored}/models") == before


def test_without_a_volume_or_without_the_ancestors_folders_nothing_happens(paths):
    use_the_ancestors_folders(paths)
    assert os.listdir(paths.volume) == []
    assert linked_folders(paths) == []


def test_two_real_folders_become_one(paths, tmp_path):
    old, new = tmp_path / "workspace" / "models", tmp_path / "workspace" / "comfyui" / "models"
    put(old / "vae" / "x", "old")
    put(new / "vae" / "y", "new")
    put(new / "loras" / "z", "new")
    (new / "clip").mkdir()
    use_the_ancestors_folders(paths)
    assert {p.relative_to(old).as_posix(): p.read_text() for p in old.rglob("*") if p.is_file()} == {
        "vae/x": "old",
        "vae/y": "new",
        "loras/z": "new",
    }
    assert new.is_symlink()


def test_two_files_of_one_name_are_both_kept_and_told(paths, tmp_path):
    old, new = tmp_path / "workspace" / "models", tmp_path / "workspace" / "comfyui" / "models"
    put(old / "x", "old")
    put(new / "x", "new")
    put(new / "y", "new")
    with pytest.raises(CannotDo, match="FolderInTheWay"):
        use_the_ancestors_folders(paths)
    assert [(old / "x").read_text(), (new / "x").read_text(), (new / "y").read_text()] == [
        "old",
        "new",
        "new",
    ]
    assert not new.is_symlink()


def test_a_file_that_appears_during_the_merge_is_not_replaced(paths, tmp_path, monkeypatch):
    """Another pod on the same volume: the rename refuses, and everything is where it was."""
    from entrypoint.volumes import merge_folders

    old, new = tmp_path / "workspace" / "models", tmp_path / "workspace" / "comfyui" / "models"
    put(old / "x", "old")
    put(new / "y", "new")
    plan = merge_folders.plan_link

    def plan_then_lose_the_race(facts):
        made = plan(facts)
        if made.actions:
            put(old / "y", "another pod's")
        return made

    monkeypatch.setattr(merge_folders, "plan_link", plan_then_lose_the_race)
    with pytest.raises(CannotDo, match="File exists"):
        use_the_ancestors_folders(paths)
    assert [(old / "y").read_text(), (new / "y").read_text()] == ["another pod's", "new"]
