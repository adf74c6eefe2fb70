"""Adoption of the former template's folders on a real file system."""

import os
from pathlib import Path

import pytest

from entrypoint.conditions.condition import CannotDo
from entrypoint.settings.paths import Paths
from entrypoint.volumes import merge_folders
from entrypoint.volumes.adopt_folders import adopt_folders, linked_folders
from entrypoint.volumes.adoption_plan import Facts, LinkPlan, plan_link
from tests.support.file_systems import mounted, needs_mount


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


def clone(paths: Paths, place: str) -> Path:
    folder = Path(paths.volume) / place
    put(folder / "main.py")
    put(folder / "models/vae/x", "model")
    put(folder / "custom_nodes/Node/__init__.py", "node")
    put(folder / "user/default/workflows/mine.json", "{}")
    put(folder / "output/picture.png", "picture")
    return folder


@pytest.mark.parametrize("place", ["ComfyUI", "runpod-slim/ComfyUI"])
def test_a_clone_of_comfyui_is_used_in_place(paths: Paths, place: str) -> None:
    folder = clone(paths, place)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    adopt_folders(paths)
    stored = Path(paths.stored)
    for name in ("models/vae/x", "custom_nodes/Node/__init__.py", "user/default/workflows/mine.json",
                 "output/picture.png"):  # fmt: skip
        assert (stored / name).read_bytes() == (folder / name).read_bytes()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    (stored / "output/new.png").write_text("new")
    assert (folder / "output/new.png").read_text() == "new"
    assert f"{folder}/custom_nodes" in linked_folders(paths)
    adopt_folders(paths)  # a second start


def test_the_former_templates_folders_come_before_a_clones(paths: Paths) -> None:
    clone(paths, "ComfyUI")
    put(Path(paths.volume) / "models/vae/y")
    put(Path(paths.volume) / "input/z.png")
    adopt_folders(paths)
    assert os.readlink(f"{paths.stored}/models") == "../models"
    assert os.readlink(f"{paths.stored}/input") == "../input"
    assert os.readlink(f"{paths.stored}/custom_nodes") == "../ComfyUI/custom_nodes"


def test_a_folder_called_comfyui_without_its_code_is_no_clone(paths: Paths) -> None:
    put(Path(paths.volume) / "ComfyUI/models/x")
    adopt_folders(paths)
    assert not os.path.lexists(f"{paths.stored}/models")


def test_models_that_are_a_link_themselves_are_used(paths: Paths, tmp_path: Path) -> None:
    put(tmp_path / "other disk/vae/x", "model")
    os.symlink(tmp_path / "other disk", f"{paths.volume}/models")
    adopt_folders(paths)
    assert Path(paths.stored, "models/vae/x").read_text() == "model"
    adopt_folders(paths)


def test_models_that_lead_into_the_data_folder_make_no_circle(paths: Paths) -> None:
    put(Path(paths.stored) / "models/vae/x", "model")
    os.symlink("comfyui/models", f"{paths.volume}/models")
    adopt_folders(paths)
    assert Path(paths.stored, "models/vae/x").read_text() == "model"
    assert not os.path.islink(f"{paths.stored}/models")


def test_a_link_and_a_folder_in_its_place_are_left_alone(paths: Paths, tmp_path: Path) -> None:
    put(tmp_path / "other disk/vae/x", "model")
    os.symlink(tmp_path / "other disk", f"{paths.volume}/models")
    put(Path(paths.stored) / "models/mine", "mine")
    with pytest.raises(CannotDo) as caught:
        adopt_folders(paths)
    assert caught.value.condition.name == "FolderInTheWay"
    assert Path(paths.stored, "models/mine").read_text() == "mine"


def test_relative_links_lead_where_they_led(paths: Paths, tmp_path: Path) -> None:
    volume = tmp_path / "workspace"
    put(volume / "models/vae/old")
    put(volume / "shared/big", "shared")
    new = volume / "comfyui/models"
    put(new / "loras/real", "real")
    os.symlink("../../../shared/big", new / "loras/outside")
    os.symlink("real", new / "loras/beside")
    os.symlink("../loras/real", new / "loras/round")
    os.symlink("../../shared", new / "folder")
    os.symlink(str(volume / "shared/big"), new / "absolute")
    os.symlink("../nothing/here", new / "dangling")
    before = {name: (new / name).read_text() for name in ("loras/outside", "loras/beside", "loras/round", "folder/big",
                                                          "absolute")}  # fmt: skip
    adopt_folders(paths)
    assert os.readlink(new) == "../models"
    assert {name: (new / name).read_text() for name in before} == before
    assert not os.readlink(volume / "models/loras/outside").startswith("/")  # the volume may be mounted elsewhere
    assert os.readlink(volume / "models/dangling") == "../comfyui/nothing/here"


def test_a_data_folder_that_is_a_link_out_of_the_volume(paths: Paths, tmp_path: Path) -> None:
    """The kernel reads `..` from where the link leads, so `../models` would lead nowhere."""
    put(Path(paths.volume) / "models/vae/x", "old")
    put(tmp_path / "disk/shared/big", "shared")
    put(tmp_path / "disk/comfyui/models/loras/y", "new")
    os.symlink("../../../shared/big", tmp_path / "disk/comfyui/models/loras/outside")
    os.symlink(tmp_path / "disk/comfyui", paths.stored)
    put(Path(paths.volume) / "input/z.png", "picture")
    for _ in ("a start", "the next"):
        adopt_folders(paths)
        found = {
            name: Path(paths.stored, name).read_text() for name in ("models/vae/x", "models/loras/y", "input/z.png")
        }
        assert found == {"models/vae/x": "old", "models/loras/y": "new", "input/z.png": "picture"}
        assert Path(paths.stored, "models/loras/outside").read_text() == "shared"
        assert linked_folders(paths) == [f"{paths.volume}/models", f"{paths.volume}/input"]


def test_a_data_folder_that_is_a_link_within_the_volume(paths: Paths) -> None:
    put(Path(paths.volume) / "models/vae/x", "model")
    (Path(paths.volume) / "deep/down/comfyui").mkdir(parents=True)
    os.symlink("deep/down/comfyui", paths.stored)
    adopt_folders(paths)
    assert Path(paths.stored, "models/vae/x").read_text() == "model"
    assert not os.readlink(f"{paths.stored}/models").startswith("/")  # the volume may be mounted elsewhere
    assert linked_folders(paths) == [f"{paths.volume}/models"]


@needs_mount
def test_one_folder_at_two_paths_is_left_alone(paths: Paths) -> None:
    """As on a volume that ignores case, where the clone `ComfyUI` is the data folder `comfyui`."""
    folder = clone(paths, "ComfyUI")
    (folder / "input").mkdir()
    before = sorted(folder.rglob("*"))
    with mounted("--bind", str(folder), at=Path(paths.stored)):
        adopt_folders(paths)
        assert sorted(folder.rglob("*")) == before
        assert not [path for path in before if path.is_symlink()]


@needs_mount
def test_models_that_are_mounted_at_two_paths_are_left_alone(paths: Paths) -> None:
    (Path(paths.volume) / "models/vae").mkdir(parents=True)
    with mounted("--bind", f"{paths.volume}/models", at=Path(paths.stored) / "models"):
        adopt_folders(paths)
        assert Path(paths.volume, "models/vae").is_dir()


def test_a_merge_that_is_refused_leaves_every_link_leading_where_it_led(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EXDEV, or another pod's file: the links are still in the data folder, and so is what they lead to."""
    put(Path(paths.volume) / "models/old")
    new = Path(paths.stored) / "models"
    put(new / "loras/real", "real")
    put(Path(paths.volume) / "shared/big", "shared")
    texts = {"loras/round": "../loras/real", "around": "../models/loras/real", "far": "../../comfyui/models/loras/real",
             "out": "../../shared/big"}  # fmt: skip
    for name, text in texts.items():
        os.symlink(text, new / name)
    before = {name: (new / name).read_text() for name in texts}

    def refuse(source: str, target: str) -> None:
        raise OSError(18, "Invalid cross-device link", source)

    with monkeypatch.context() as patch:
        patch.setattr(merge_folders, "_rename_without_replacing", refuse)
        with pytest.raises(CannotDo, match="cross-device"):
            adopt_folders(paths)
    assert {name: (new / name).read_text() for name in texts} == before
    adopt_folders(paths)
    assert {name: (new / name).read_text() for name in texts} == before
