"""What is looked at before ComfyUI is launched."""

import pathlib
import stat
import sys

import pytest

from entrypoint.comfyui import installation, layout, preflight
from entrypoint.conditions.condition import CannotDo
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("comfyui:\n  base_path: /x\n  checkpoints: models/checkpoints\n  is_default: true\n", ""),
        ("a111:\n", ""),
        ("comfyui:\n  loras: |\n    a\n    b\n", ""),
        ("", "it must hold sections"),
        ("- a\n- b\n", "it must hold sections"),
        ("just words", "it must hold sections"),
        ("comfyui: words", "section 'comfyui' must hold lines"),
        ("comfyui:\n  loras: 5\n", "comfyui.loras must be a string, not int"),
        ("comfyui:\n  loras: [a, b]\n", "comfyui.loras must be a string, not list"),
        ("comfyui:\n\tloras: a\n", "it is not YAML"),
        ("comfyui: {", "it is not YAML"),
    ],
)
def test_an_extra_model_paths_file_that_would_end_comfyui(text: str, problem: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "extra_model_paths.yaml"
    path.write_text(text)
    found = preflight.model_paths_problem(str(path))
    assert found.startswith(problem) if problem else found == ""
    assert "\n" not in found


def test_a_python_without_torch_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(CannotDo) as caught:
        preflight.collect(paths_in(tmp_path), installation.Source(str(tmp_path), sys.executable))
    assert caught.value.condition.name == "ComfyUIPackagesMissing"


def test_a_python_that_does_not_run_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(CannotDo) as caught:
        preflight.collect(paths_in(tmp_path), installation.Source(str(tmp_path), f"{tmp_path}/no-python"))
    assert caught.value.condition.name == "ComfyUIPythonMissing"


@pytest.mark.parametrize(("visible", "hidden"), [("", True), ("-1", True), (" ", True)])
def test_a_hidden_gpu_is_no_gpu(visible: str, hidden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert preflight.gpu_visible() is not hidden


def paths_in(folder: pathlib.Path, data: str = "data", stored: str = "data") -> Paths:
    base = str(folder)
    return Paths(
        data=f"{base}/{data}", stored=f"{base}/{stored}", volume="", log=f"{base}/log", home=f"{base}/home",
        runtime=f"{base}/run", python=sys.executable,
    )  # fmt: skip


def test_every_folder_comfyui_needs_is_made_once(tmp_path: pathlib.Path) -> None:
    paths = paths_in(tmp_path)
    layout.lay_out(paths)
    assert (tmp_path / "data/custom_nodes").is_dir()
    assert (tmp_path / "data/models/checkpoint_models").resolve() == tmp_path / "data/models/checkpoints"
    before = sorted((path, path.lstat().st_mtime_ns) for path in tmp_path.rglob("*"))
    layout.lay_out(paths)
    assert sorted((path, path.lstat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


def test_data_becomes_a_link_to_the_volume(tmp_path: pathlib.Path) -> None:
    (tmp_path / "data").mkdir()  # baked into the image, empty
    layout.lay_out(paths_in(tmp_path, stored="volume/comfyui"))
    assert (tmp_path / "data").readlink() == tmp_path / "volume/comfyui"
    assert (tmp_path / "volume/comfyui/models/loras").is_dir()


def test_a_volume_that_moved_moves_the_link(tmp_path: pathlib.Path) -> None:
    (tmp_path / "data").symlink_to(tmp_path / "old-volume/comfyui")
    layout.lay_out(paths_in(tmp_path, stored="volume/comfyui"))
    assert (tmp_path / "data").readlink() == tmp_path / "volume/comfyui"


@pytest.mark.parametrize("in_the_way", ["a folder with a file", "a file"])
def test_what_is_the_users_stays_and_is_told(in_the_way: str, tmp_path: pathlib.Path) -> None:
    if in_the_way == "a file":
        (tmp_path / "data").write_text("mine")
    else:
        (tmp_path / "data").mkdir()
        (tmp_path / "data/picture.png").write_text("mine")
    with pytest.raises(CannotDo) as caught:
        layout.lay_out(paths_in(tmp_path, stored="volume/comfyui"))
    assert caught.value.condition.name == "DataFolderNotReady"
    left = tmp_path / ("data" if in_the_way == "a file" else "data/picture.png")
    assert left.read_text() == "mine"


@pytest.mark.parametrize(
    ("has_main", "environment", "condition"),
    [
        (False, ".venv", "ComfyUIMissing"),
        (True, "", "ComfyUIMissing"),
        (True, ".venv", ""),
        (True, "venv", ""),
    ],
)
def test_the_users_own_comfyui(has_main: bool, environment: str, condition: str, tmp_path: pathlib.Path) -> None:
    python = tmp_path / environment / "bin/python"
    if has_main:
        (tmp_path / "main.py").write_text("")
    if environment:
        python.parent.mkdir(parents=True)
        python.write_text("#!/bin/sh\n")
        python.chmod(python.stat().st_mode | stat.S_IXUSR)
    settings = Settings(comfyui_dir=str(tmp_path))
    if condition:
        with pytest.raises(CannotDo) as caught:
            installation.find(settings)
        assert caught.value.condition.name == condition
    else:
        assert installation.find(settings) == installation.Source(str(tmp_path), str(python))


def test_a_clone_that_can_not_be_had_is_told_with_gits_reason(tmp_path: pathlib.Path) -> None:
    settings = Settings(home=str(tmp_path), comfyui_repo=str(tmp_path / "no-repository"))
    with pytest.raises(CannotDo) as caught:
        installation.find(settings)
    assert caught.value.condition.name == "ComfyUIMissing"
    assert "no-repository" in caught.value.condition.reason
    assert not (tmp_path / "comfyui-source").exists()


@pytest.mark.parametrize(
    ("user_folder", "writable", "knows", "moved"),
    [
        (True, True, True, False),
        (False, True, True, False),
        (True, False, True, True),
        (False, False, True, True),
        (True, False, False, False),
    ],
)
def test_the_database_moves_where_it_cannot_be_beside_the_code(
    user_folder: bool,
    writable: bool,
    knows: bool,
    moved: bool,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As under --read-only; root may write wherever a mode says no, so access(2) is played."""
    (tmp_path / "comfy").mkdir()
    (tmp_path / "comfy/cli_args.py").write_text('parser.add_argument("--database-url")' if knows else "")
    place = tmp_path / "user" if user_folder else tmp_path
    place.mkdir(exist_ok=True)
    monkeypatch.setattr(preflight.os, "access", lambda path, mode: writable or path != str(place))
    assert preflight.other_database(str(tmp_path), "/root") == ("/root/comfyui.db" if moved else "")
