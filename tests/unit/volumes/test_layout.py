"""The data folder's layout, and its link to the volume."""

import os
import pathlib

import pytest

from entrypoint.conditions.condition import CannotDo
from entrypoint.settings.paths import Paths
from entrypoint.settings.users import Identity
from entrypoint.volumes import layout
from tests.support.comfyui_paths import paths_in


def lay_out(paths: Paths) -> None:
    """Both steps of a start."""
    layout.make_data_folder(paths, Identity(os.geteuid(), os.getegid()))
    layout.lay_out(paths)


def test_every_folder_comfyui_needs_is_made_once(tmp_path: pathlib.Path) -> None:
    paths = paths_in(tmp_path)
    lay_out(paths)
    assert (tmp_path / "data/custom_nodes").is_dir()
    assert (tmp_path / "data/models/checkpoint_models").resolve() == tmp_path / "data/models/checkpoints"
    before = sorted((path, path.lstat().st_mtime_ns) for path in tmp_path.rglob("*"))
    lay_out(paths)
    assert sorted((path, path.lstat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


def test_data_becomes_a_link_to_the_volume(tmp_path: pathlib.Path) -> None:
    (tmp_path / "data").mkdir()  # baked into the image, empty
    lay_out(paths_in(tmp_path, stored="volume/comfyui"))
    assert (tmp_path / "data").readlink() == tmp_path / "volume/comfyui"
    assert (tmp_path / "volume/comfyui/models/loras").is_dir()


def test_a_volume_that_moved_moves_the_link(tmp_path: pathlib.Path) -> None:
    (tmp_path / "data").symlink_to(tmp_path / "old-volume/comfyui")
    lay_out(paths_in(tmp_path, stored="volume/comfyui"))
    assert (tmp_path / "data").readlink() == tmp_path / "volume/comfyui"


@pytest.mark.parametrize("in_the_way", ["a folder with a file", "a file"])
def test_the_users_files_in_the_way_stay_and_are_a_condition(in_the_way: str, tmp_path: pathlib.Path) -> None:
    if in_the_way == "a file":
        (tmp_path / "data").write_text("mine")
    else:
        (tmp_path / "data").mkdir()
        (tmp_path / "data/picture.png").write_text("mine")
    with pytest.raises(CannotDo) as caught:
        lay_out(paths_in(tmp_path, stored="volume/comfyui"))
    assert caught.value.condition.name == "DataFolderNotReady"
    left = tmp_path / ("data" if in_the_way == "a file" else "data/picture.png")
    assert left.read_text() == "mine"


def test_a_volume_without_symbolic_links_lacks_the_one_alias_alone(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "symlink", refused)
    lay_out(paths_in(tmp_path))
    assert (tmp_path / "data/models/loras").is_dir()
    assert "JupyterLab cannot show models/checkpoints" in capfd.readouterr().out


def test_a_link_that_a_killed_start_left_behind_is_in_no_ones_way(tmp_path: pathlib.Path) -> None:
    (tmp_path / f"data.{os.getpid()}.tmp").symlink_to("nowhere")
    lay_out(paths_in(tmp_path, stored="volume/comfyui"))
    assert (tmp_path / "data").readlink() == tmp_path / "volume/comfyui"
