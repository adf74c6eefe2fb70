"""What other templates have left on a volume and the pod does not use is named: the program `volumes` says it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from entrypoint.comfyui.model_paths import model_paths_problem
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.volumes.adopt_folders import adopt_folders
from entrypoint.volumes.former_templates import unused_environments, unused_folders
from tests.support.checkout import ROOT
from tests.support.former_volumes import LAYOUTS, Layout, clone, contents, environment, fill, of_runpod, paths_of, write


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    for name in ("workspace", "run"):
        (tmp_path / name).mkdir()
    os.symlink("workspace/comfyui", tmp_path / "comfyui")
    return replace(paths_of(tmp_path / "workspace"), python=sys.executable)


def conditions(paths: Paths) -> dict[str, dict[str, str]]:
    """Those that the program leaves: it runs once."""
    ended = subprocess.run(
        [sys.executable, "-m", "entrypoint.volumes"], cwd=ROOT, env={"PATH": os.environ["PATH"]} | paths.to_environ(),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    folder = Path(paths.runtime) / "conditions"
    found = [json.loads(path.read_text()) for path in folder.iterdir()] if folder.is_dir() else []
    return {each["name"]: each for each in found}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_an_old_environment_is_named_until_it_is_gone(paths: Paths, layout: Layout) -> None:
    layout.make(Path(paths.volume))
    before = contents(Path(paths.volume))
    adopt_folders(paths)
    found = conditions(paths)
    assert found.keys() == ({"FormerEnvironment"} if layout.environment else set())
    if layout.environment:
        said = found["FormerEnvironment"]
        old = f"{paths.volume}/{layout.environment}"
        assert f"no longer needed: {old};" in said["reason"]
        assert said["remedy"].endswith(f"rm -r {old}")
        assert before.keys() <= contents(Path(paths.volume)).keys()
        shutil.rmtree(old)
        assert conditions(paths) == {}


@pytest.mark.parametrize(
    ("folder", "python"),
    [("ComfyUI", ""), ("", "ComfyUI/venv/bin/python"), ("other", "ComfyUI/venv/bin/python3")],
)
def test_an_environment_in_which_comfyui_runs_is_not_named(paths: Paths, folder: str, python: str) -> None:
    clone(Path(paths.volume) / "ComfyUI", "venv")
    settings = Settings(
        comfyui_dir=folder and f"{paths.volume}/{folder}", comfyui_python=python and f"{paths.volume}/{python}"
    )
    assert unused_environments(settings, paths) == []
    assert unused_environments(Settings(), paths) == [f"{paths.volume}/ComfyUI/venv"]


def test_other_folders_in_a_clone_are_no_environments(paths: Paths) -> None:
    clone(Path(paths.volume) / "ComfyUI", "venv")
    environment(Path(paths.volume) / "ComfyUI/mine")
    (Path(paths.volume) / "ComfyUI/.venv").mkdir()
    assert unused_environments(Settings(), paths) == [f"{paths.volume}/ComfyUI/venv"]


def test_a_second_templates_folders_are_named_and_can_be_used(paths: Paths) -> None:
    """The ancestor's folders, a clone and RunPod's clone on one volume: of each kind the first is used."""
    volume = Path(paths.volume)
    fill(volume, "models", "output")
    clone(volume / "ComfyUI", "venv")
    of_runpod(volume)
    before = contents(volume)
    adopt_folders(paths)
    said = conditions(paths)["FormerFoldersUnused"]
    after = contents(volume)
    assert {path: after.get(path) for path in before} == before
    second, third = f"{volume}/ComfyUI", f"{volume}/runpod-slim/ComfyUI"
    unused = [f"{second}/models", f"{second}/output", *(f"{third}/{name}" for name in
              ("models", "output", "input", "custom_nodes", "user"))]  # fmt: skip
    assert said["reason"].rpartition("does not use ")[2].split(", ") == [
        f"{second}/models", f"{third}/models", f"{second}/output", *unused[3:],
    ]  # fmt: skip
    assert f"mv -n {third}/custom_nodes/NAME {paths.data}/custom_nodes/" in said["remedy"]
    lines = [part.partition(": ")[2] for part in said["remedy"].split("; ") if part.startswith("add this line to ")]
    model_paths = Path(paths.data) / "extra_model_paths.yaml"
    model_paths.write_text("\n".join(lines) + "\n")
    assert model_paths_problem(str(model_paths)) == ""
    for section in yaml.safe_load(model_paths.read_text()).values():
        assert Path(section["base_path"], section["loras"], "style.safetensors").is_file()
        assert section.keys() == {"base_path", "checkpoints", "loras", "vae"}
    assert not [path for path in conditions(paths)["FormerFoldersUnused"]["reason"].split() if path.endswith("models,")]


def test_folders_that_are_the_used_ones_are_not_named(paths: Paths) -> None:
    """Templates link a clone's folders to those at the top of the volume."""
    volume = Path(paths.volume)
    fill(volume, "models", "output", "input")
    write(volume / "ComfyUI/main.py")
    for name in ("models", "output", "input"):
        os.symlink(f"../{name}", volume / "ComfyUI" / name)
    adopt_folders(paths)
    assert unused_folders(paths) == []


def test_an_unused_clone_is_not_named(paths: Paths) -> None:
    volume = Path(paths.volume)
    fill(volume, "models", "output", "input")
    for file in ("main.py", "models/loras/put_loras_here", "models/vae/put_vae_here", "input/example.png",
                 "models/configs/v1-inference.yaml", "output/_output_images_will_be_put_here",
                 "custom_nodes/websocket_image_save.py"):  # fmt: skip
        write(volume / "ComfyUI" / file)
    (volume / "ComfyUI/user/default").mkdir(parents=True)
    adopt_folders(paths)
    assert unused_folders(paths) == []
    write(volume / "ComfyUI/models/loras/mine.safetensors")
    (found,) = unused_folders(paths)
    assert (found.path, found.kinds) == (f"{volume}/ComfyUI/models", ("loras",))
