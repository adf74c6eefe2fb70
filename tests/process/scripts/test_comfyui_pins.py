"""scripts/comfyui_pins.py derives ComfyUI's pins from its own files, and image/comfyui.in is what it makes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from entrypoint.settings.settings import Settings
from scripts.comfyui_pins import COPIES, FILES, TARGET, CannotPin, requirements, text_of
from tests.support.checkout import ROOT
from tests.support.node_repositories import commit, git, new_repository

MANAGER = "comfyui_manager==4.2.2\n"
COMMIT = "1" * 40
#: A later ComfyUI, which no longer asks for torchaudio.
LATER = {FILES[0]: "comfyui-frontend-package==1.53.6\ntorch\nav>=17.0.0\n", FILES[1]: MANAGER}


def names(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_comfyui_in_is_what_the_script_makes_of_comfyuis_files() -> None:
    comfyui, manager = [(ROOT / COPIES / name).read_text() for name in FILES]
    assert (ROOT / TARGET).read_text() == text_of(Settings().comfyui_ref, comfyui, manager)


def test_torch_is_held_and_every_other_requirement_is_comfyuis() -> None:
    text = text_of("v1.2.3", "torch\ntorchaudio\nPillow\n\n#more:\npydantic~=2.0 # why\ntorch>=2.9\n", MANAGER)
    assert names(text) == [
        "torch>=2.8,<2.11", "torchaudio<2.11", "Pillow", "pydantic~=2.0", "torch>=2.9",
        "comfyui-manager==4.2.2", "ipykernel", "wheel<0.46",
    ]  # fmt: skip
    assert text.count("v1.2.3") == 2


def test_torchaudio_stays_where_comfyui_no_longer_asks_for_it() -> None:
    assert "torchaudio<2.11" in names(text_of("v1.2.3", *LATER.values()))


@pytest.mark.parametrize("line", ["--extra-index-url https://example.org", "-r more.txt", "a @ https://a.b/c", "./a"])
def test_a_line_that_would_not_be_pinned_is_refused(line: str) -> None:
    with pytest.raises(CannotPin, match=re.escape(repr(line))):
        requirements(f"torch\n{line}\n", "requirements.txt")


@pytest.mark.parametrize("line", ["a", "a[b,c]>=1.0,<2", "a_b==1; python_version < '3.13'", "PyOpenGL >= 3.1.8"])
def test_names_versions_extras_and_markers_are_kept(line: str) -> None:
    assert requirements(f"{line}\n", "requirements.txt") == [line.replace("a_b", "a-b")]


def test_a_manager_without_a_pin_is_refused() -> None:
    with pytest.raises(CannotPin, match="comfyui-manager"):
        text_of("v1.2.3", "torch\n", "comfyui_manager\n")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files of the checkout that the script reads and writes."""
    root = tmp_path / "checkout"
    for name in ("scripts/comfyui_pins.py", "Dockerfile", "entrypoint/settings/settings.py", str(TARGET)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    return root


def run(root: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "scripts/comfyui_pins.py"), *arguments]
    return subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, timeout=60)


def contents(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def pins(root: Path) -> tuple[str, ...]:
    """Tag, commit and local mode's tag."""
    dockerfile = (root / "Dockerfile").read_text()
    found = [re.findall(rf"(?m)^ARG {name}=(.*)$", dockerfile) for name in ("COMFYUI_REF", "COMFYUI_COMMIT")]
    settings = (root / "entrypoint/settings/settings.py").read_text()
    return tuple(value for each in [*found, re.findall(r'"COMFYUI_REF", \S+ "(\S+)"', settings)] for value in each)


def test_a_tree_moves_every_pin(copy: Path, tmp_path: Path) -> None:
    tree = new_repository(tmp_path / "tree", LATER)
    ended = run(copy, str(tree), "v9.8.7", COMMIT)
    assert (ended.returncode, ended.stdout) == (0, "v9.8.7\n"), ended.stderr
    assert pins(copy) == ("v9.8.7", COMMIT, "v9.8.7")
    assert (copy / TARGET).read_text() == text_of("v9.8.7", *LATER.values())
    assert {name: (copy / COPIES / name).read_text() for name in FILES} == LATER


def test_latest_is_the_newest_release_of_the_repository_and_its_commit(copy: Path, tmp_path: Path) -> None:
    origin = new_repository(tmp_path / "origin", {FILES[0]: "torch\n", FILES[1]: MANAGER})
    git(origin, "tag", "v0.9.0")
    newest = commit(origin, LATER)
    git(origin, "-c", "user.name=t", "-c", "user.email=t@example.com", "tag", "-a", "v0.10.0", "-m", "annotated")
    commit(origin, {FILES[0]: "torch\nunreleased\n"})
    ended = run(copy, "latest", COMFYUI_REPO=str(origin))
    assert (ended.returncode, ended.stdout) == (0, "v0.10.0\n"), ended.stderr
    assert pins(copy) == ("v0.10.0", newest, "v0.10.0")
    assert "unreleased" not in (copy / TARGET).read_text()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda root: (root / "Dockerfile").write_text("FROM scratch\n"), "Dockerfile has 0 lines"),
        (lambda root: (root / "entrypoint/settings/settings.py").write_text(""), "settings.py has 0 lines"),
        (lambda root: (root.parent / "tree/requirements.txt").write_text("-r x\n"), "'-r x'"),
        (lambda root: (root.parent / "tree/manager_requirements.txt").unlink(), "manager_requirements.txt"),
    ],
)  # fmt: skip
def test_what_cannot_be_pinned_leaves_every_file_as_it_was(
    copy: Path, tmp_path: Path, change: Callable[[Path], object], complaint: str
) -> None:
    tree = new_repository(tmp_path / "tree", LATER)
    change(copy)
    before = contents(copy)
    ended = run(copy, str(tree), "v9.8.7", COMMIT)
    assert ended.returncode == 1
    assert complaint in ended.stderr
    assert contents(copy) == before


@pytest.mark.parametrize("arguments", [("main", COMMIT), ("v1.2.3", "abc"), ("v1.2.3-rc1", COMMIT)])
def test_only_a_release_and_a_whole_commit_are_pinned(copy: Path, tmp_path: Path, arguments: tuple[str, str]) -> None:
    tree = new_repository(tmp_path / "tree", LATER)
    ended = run(copy, str(tree), *arguments)
    assert (ended.returncode, "cannot use tag" in ended.stderr) == (1, True)
