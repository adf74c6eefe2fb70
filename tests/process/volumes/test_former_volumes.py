"""The volumes of other templates, made by hand: adopted in place, whatever happens meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from entrypoint.comfyui.installation import Source
from entrypoint.comfyui.model_paths import model_paths
from entrypoint.conditions.condition import CannotDo
from entrypoint.settings.paths import Paths
from entrypoint.settings.users import Identity
from entrypoint.volumes.adopt_folders import adopt_folders
from entrypoint.volumes.layout import lay_out, make_data_folder
from tests.support.file_systems import mounted, needs_mount
from tests.support.former_volumes import (
    CONTENT,
    LAYOUTS,
    Layout,
    clone,
    contents,
    listed,
    of_the_ancestor,
    paths_of,
    write,
)
from tests.support.killed import killed_before

REAL = os.environ.get("COMFYUI_DIR", "")
#: What ComfyUI's own code finds: kind -> its files.
LISTING = """
import json, sys
data, kinds = sys.argv[1], sys.argv[2:]
sys.argv = ["main.py", "--base-directory", data]
import comfy.options
comfy.options.enable_args_parsing()
import folder_paths
print(json.dumps({kind: sorted(folder_paths.get_filename_list(kind)) for kind in kinds}))
"""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    (tmp_path / "workspace").mkdir()
    return paths_of(tmp_path / "workspace")


def start(paths: Paths) -> None:
    """The steps of a start that are about the data folder, and the background program's."""
    make_data_folder(paths, Identity(os.geteuid(), os.getegid()))
    adopt_folders(paths)
    lay_out(paths)


def expected(layout: Layout, name: str) -> set[str]:
    files = set(CONTENT[name])
    if name == "models":
        files |= {f"loras/{link}.safetensors" for link in ("relative", "absolute", "beside")}
        files.add("checkpoint_models/base.safetensors")  # the folder once more, for JupyterLab
    return files | ({"Linked/__init__.py"} if name == "custom_nodes" else set())


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_former_volume_is_used_in_place_and_nothing_is_moved(paths: Paths, layout: Layout) -> None:
    volume = Path(paths.volume)
    layout.make(volume)
    before = contents(volume)
    for _ in ("the first start", "the next"):
        start(paths)
        after = contents(volume)
        assert {path: after.get(path) for path in before} == before
        assert {os.path.basename(path) for path in after.keys() - before.keys()} <= {"checkpoint_models"}
        for name, top in layout.tops.items():
            assert listed(Path(paths.data) / name) == expected(layout, name)
            assert os.path.samefile(Path(paths.data) / name, volume / top / name)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_volume_may_be_mounted_elsewhere_afterwards(paths: Paths, layout: Layout, tmp_path: Path) -> None:
    layout.make(Path(paths.volume))
    start(paths)
    os.rename(paths.volume, tmp_path / "runpod-volume")
    for name, top in layout.tops.items():
        assert os.path.samefile(tmp_path / "runpod-volume/comfyui" / name, tmp_path / "runpod-volume" / top / name)


@pytest.mark.skipif(not REAL, reason="no real ComfyUI: COMFYUI_DIR is not set")
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_comfyui_itself_lists_the_models(paths: Paths, layout: Layout) -> None:
    layout.make(Path(paths.volume))
    start(paths)
    command = [sys.executable, "-c", LISTING, paths.data, "checkpoints", "loras", "vae"]
    ended = subprocess.run(command, cwd=REAL, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1]) == {
        "checkpoints": ["base.safetensors"],
        "loras": sorted(f"{name}.safetensors" for name in ("absolute", "beside", "relative", "style")),
        "vae": ["deep/down/vae.safetensors"],
    }


@pytest.mark.parametrize("name", ["ComfyUI", "runpod-slim/ComfyUI"])
def test_a_clones_extra_model_paths_are_used_on(paths: Paths, name: str) -> None:
    """Its relative paths are relative to the file, and its absolute ones are the volume's."""
    top = Path(paths.volume) / name
    clone(top, "venv")
    write(Path(paths.volume) / "more/loras/another.safetensors")
    write(top / "own/loras/third.safetensors")
    text = f"a:\n  base_path: {paths.volume}/more\n  loras: loras\nb:\n  loras: own/loras\n"
    write(top / "extra_model_paths.yaml", text)
    start(paths)
    source = Source("/nowhere", "")
    assert model_paths(paths, source) == {f"{top}/extra_model_paths.yaml": ""}
    if REAL:
        code = LISTING.replace("print(", "import utils.extra_config as e\ne.load_extra_path_config(extra)\nprint(")
        command = [
            sys.executable,
            "-c",
            f"extra = {str(top / 'extra_model_paths.yaml')!r}\n{code}",
            paths.data,
            "loras",
        ]
        ended = subprocess.run(command, cwd=REAL, capture_output=True, text=True, timeout=60, check=False)
        assert {"another.safetensors", "third.safetensors"} <= set(json.loads(ended.stdout.splitlines()[-1])["loras"])
    assert model_paths(paths, Source(str(top), "")) == {}  # ComfyUI reads the file beside its code by itself
    (Path(paths.data) / "extra_model_paths.yaml").symlink_to(top / "extra_model_paths.yaml")
    assert model_paths(paths, source) == {f"{paths.data}/extra_model_paths.yaml": ""}


def test_the_extra_model_paths_of_a_clone_that_is_not_in_use_are_not_used(paths: Paths) -> None:
    for name in ("ComfyUI", "runpod-slim/ComfyUI"):
        clone(Path(paths.volume) / name, "venv")
        write(Path(paths.volume) / name / "extra_model_paths.yaml", "a:\n")
    start(paths)
    assert list(model_paths(paths, Source("/nowhere", ""))) == [f"{paths.volume}/ComfyUI/extra_model_paths.yaml"]


def both_have_files(paths: Paths) -> None:
    """A volume that has to be merged: the ancestor's, and a data folder with files of its own."""
    of_the_ancestor(Path(paths.volume))
    for name in ("models/loras/mine.safetensors", "models/unet/new/deep.safetensors", "input/mine.png",
                 "output/video/second.mp4"):  # fmt: skip
        write(Path(paths.stored) / name)
    write(Path(paths.volume) / "elsewhere/file.safetensors")
    os.symlink("../../../elsewhere/file.safetensors", Path(paths.stored) / "models/unet/far.safetensors")
    os.symlink("../models/loras/mine.safetensors", Path(paths.stored) / "models/around.safetensors")


def state(paths: Paths) -> dict[str, bytes]:
    """What ComfyUI finds, file by file: links lead where they led."""
    names = ("models", "input", "output")
    data = Path(paths.stored)
    return {f"{name}/{file}": (data / name / file).read_bytes() for name in names for file in listed(data / name)}


def every_file(paths: Paths) -> list[bytes]:
    """The contents of all files on the volume."""
    return sorted(
        path.read_bytes() for path in Path(paths.volume).rglob("*") if path.is_file() and not path.is_symlink()
    )


def test_the_start_after_a_kill_at_any_moment_is_good(tmp_path: Path) -> None:
    """Every moment at which an adoption changes something, and so ten at random, too."""
    (tmp_path / "undisturbed/workspace").mkdir(parents=True)
    undisturbed = paths_of(tmp_path / "undisturbed/workspace")
    both_have_files(undisturbed)
    start(undisturbed)
    wanted = set(state(undisturbed))
    killed = 0
    while True:
        (tmp_path / str(killed) / "workspace").mkdir(parents=True)
        paths = paths_of(tmp_path / str(killed) / "workspace")
        both_have_files(paths)
        files = every_file(paths)
        if not killed_before(killed, partial(adopt_folders, paths)):
            break
        killed += 1
        assert every_file(paths) == files, f"before change {killed}"
        start(paths)
        assert every_file(paths) == files
        assert set(state(paths)) == wanted, f"before change {killed}"
        assert all(os.path.islink(f"{paths.stored}/{name}") for name in ("models", "input", "output"))
        assert not [path for path in Path(paths.volume).rglob("*") if ".podkeeper-" in path.name]
    assert killed > 20


@needs_mount
@pytest.mark.parametrize("free", range(4))
def test_a_volume_that_is_full_in_the_middle_leaves_everything_as_it_was(paths: Paths, free: int) -> None:
    """A tmpfs with `free` inodes left: each link takes one."""
    volume = Path(paths.volume)
    with mounted("-t", "tmpfs", "-o", "nr_inodes=200", "tmpfs", at=volume):
        both_have_files(paths)
        before = state(paths)
        files = every_file(paths)
        room = os.statvfs(volume).f_ffree
        for number in range(room - free):
            (volume / f"filler{number}").touch()
        try:
            adopt_folders(paths)
            refused = ""
        except CannotDo as error:
            refused = str(error.condition)
        assert bool(refused) == (free < 2)  # the link to be, and one at a time made anew
        if refused:
            assert "No space left on device" in refused
            assert "free space" in refused
            assert "FolderInTheWay" in refused
        missing = {path for path in before if path not in state(paths)}
        assert missing == set()
        for filler in volume.glob("filler*"):
            filler.unlink()
        start(paths)
        assert every_file(paths) == files
        assert state(paths).keys() >= before.keys()


@needs_mount
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("free", [0, 2])
def test_a_full_volume_is_left_as_it_was_and_adopted_once_it_has_room(paths: Paths, layout: Layout, free: int) -> None:
    """Without an inode for the data folder, and with one for it and for the first link."""
    volume = Path(paths.volume)
    with mounted("-t", "tmpfs", "-o", "nr_inodes=200", "tmpfs", at=volume):
        layout.make(volume)
        before = contents(volume)
        for number in range(os.statvfs(volume).f_ffree - free):
            (volume / f"filler{number}").touch()
        with pytest.raises(CannotDo, match=r"No space left on device.*free space on the volume"):
            adopt_folders(paths)
        for filler in volume.glob("filler*"):
            filler.unlink()
        assert contents(volume) == before
        start(paths)
        for name in layout.tops:
            assert listed(Path(paths.data) / name) == expected(layout, name)


@needs_mount
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_read_only_volume_is_left_as_it_was_and_named(paths: Paths, layout: Layout) -> None:
    volume = Path(paths.volume)
    layout.make(volume)
    before = contents(volume)
    with mounted("--bind", "-o", "ro", str(volume), at=volume):
        with pytest.raises(CannotDo, match=r"Read-only file system.*mount the volume read-write"):
            adopt_folders(paths)
        assert contents(volume) == before
        assert not os.path.lexists(paths.stored)
