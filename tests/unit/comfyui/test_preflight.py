"""What is checked before ComfyUI is launched."""

import os
import pathlib
import sys

import pytest

from entrypoint.comfyui import installation, preflight
from entrypoint.conditions.condition import CannotDo
from tests.support.comfyui_paths import paths_in


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
        ("comfyui:\n  custom_nodes: here\n", ""),
        ("comfyui:\n  custom_nodes: |\n    here\n    nowhere\n", "comfyui.custom_nodes: there is no folder"),
        ("comfyui:\n  base_path: /nowhere\n  custom_nodes: here\n  loras: x\n", "comfyui.custom_nodes: there is no"),
    ],
)
def test_an_extra_model_paths_file_that_would_end_comfyui_is_found(
    text: str, problem: str, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "here").mkdir()
    path = tmp_path / "extra_model_paths.yaml"
    path.write_text(text)
    found = preflight.model_paths_problem(str(path))
    assert found.startswith(problem) if problem else found == ""
    assert "\n" not in found


def test_a_file_that_names_the_nodes_in_use_once_more_is_found(tmp_path: pathlib.Path) -> None:
    (tmp_path / "clone/custom_nodes").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/custom_nodes").symlink_to("../clone/custom_nodes")
    path = tmp_path / "clone/extra_model_paths.yaml"
    path.write_text("mine:\n  custom_nodes: custom_nodes/\n")
    assert "is in use already" in preflight.model_paths_problem(str(path), f"{tmp_path}/data/custom_nodes")
    assert preflight.model_paths_problem(str(path)) == ""


def test_a_python_without_torch_is_a_condition(tmp_path: pathlib.Path) -> None:
    with pytest.raises(CannotDo) as caught:
        preflight.collect(paths_in(tmp_path), installation.Source(str(tmp_path), sys.executable))
    assert caught.value.condition.name == "ComfyUIPackagesMissing"


def test_a_python_that_does_not_run_is_a_condition(tmp_path: pathlib.Path) -> None:
    with pytest.raises(CannotDo) as caught:
        preflight.collect(paths_in(tmp_path), installation.Source(str(tmp_path), f"{tmp_path}/no-python"))
    assert caught.value.condition.name == "ComfyUIPythonMissing"


@pytest.mark.parametrize("noise", ["echo starting", "echo '{}'", "echo '[]'; echo noise >&2", r"printf '\357\273\277'"])
def test_a_python_that_prints_lines_of_its_own_is_understood(noise: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "custom").mkdir()
    wrapper = tmp_path / "python"
    lines = ("#!/bin/sh", noise, f'{sys.executable} "$@"', "code=$?", "echo bye", "exit $code", "")
    wrapper.write_text("\n".join(lines))
    wrapper.chmod(0o755)
    assert preflight._installed(installation.Source("", str(wrapper)), ["json", "nope"]) == {
        "json": "installed",
        "nope": "",
    }


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
def test_the_database_moves_where_the_code_folder_is_read_only(
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
    monkeypatch.setattr(os, "access", lambda path, mode: writable or not path.startswith(str(place)))
    assert preflight.other_database(str(tmp_path), "/root") == ("/root/comfyui.db" if moved else "")
