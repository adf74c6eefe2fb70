"""The extra_model_paths.yaml files that ComfyUI gets."""

import pathlib
import sys
from dataclasses import replace

import pytest

from entrypoint.comfyui.installation import Source
from entrypoint.comfyui.model_paths import (
    extra_model_folders,
    extra_node_folders,
    local_model_paths,
    model_paths,
    model_paths_problem,
)
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
    found = model_paths_problem(str(path))
    assert found.startswith(problem) if problem else found == ""
    assert "\n" not in found


def test_a_file_that_names_the_nodes_in_use_once_more_is_found(tmp_path: pathlib.Path) -> None:
    (tmp_path / "clone/custom_nodes").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/custom_nodes").symlink_to("../clone/custom_nodes")
    path = tmp_path / "clone/extra_model_paths.yaml"
    path.write_text("mine:\n  custom_nodes: custom_nodes/\n")
    assert "is in use already" in model_paths_problem(str(path), f"{tmp_path}/data/custom_nodes")
    assert model_paths_problem(str(path)) == ""


def test_the_folders_of_custom_nodes_of_every_usable_file_are_known(tmp_path: pathlib.Path) -> None:
    """Where a node is left out, ComfyUI loads those alone that are named: the others of these folders, too."""
    for folder in ("data/more", "code/beside"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data/extra_model_paths.yaml").write_text("a:\n  base_path: more\n  custom_nodes: .\nb:\n  loras: x\n")
    (tmp_path / "code/extra_model_paths.yaml").write_text("c:\n  custom_nodes: beside\n")
    paths, source = paths_in(tmp_path), Source(str(tmp_path / "code"), "")
    found = extra_node_folders(paths, source, model_paths(paths, source))
    assert found == (f"{tmp_path}/data/more", f"{tmp_path}/code/beside")
    (tmp_path / "data/extra_model_paths.yaml").write_text("a: [")
    assert extra_node_folders(paths, source, model_paths(paths, source)) == (f"{tmp_path}/code/beside",)


def test_the_local_disks_folders_are_usable_and_known_as_further_ones(tmp_path: pathlib.Path) -> None:
    """ComfyUI watches those folders alone that it has seen."""
    paths = replace(paths_in(tmp_path), models_cache=str(tmp_path / "local"))
    source = Source(str(tmp_path / "code"), sys.executable)
    pathlib.Path(paths.reports).mkdir(parents=True)
    path = local_model_paths(paths)
    assert model_paths_problem(path) == ""
    assert (tmp_path / "local/models/loras").is_dir()
    assert extra_model_folders(paths, source)["loras"] == [f"{tmp_path}/local/models/loras"]
    assert local_model_paths(replace(paths, models_cache="")) == ""
    assert local_model_paths(replace(paths, models_cache="/proc/nowhere")) == ""
