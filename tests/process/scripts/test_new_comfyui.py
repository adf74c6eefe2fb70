""".ci/new_comfyui commits the pins of a new ComfyUI on a branch, once; the scripts that it calls are stand-ins."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.node_repositories import git, new_repository

PYTHON = """#!/bin/bash
echo "$*" >>calls
if [ "$1" = scripts/comfyui_pins.py ]; then
    sed -i 's/^ARG COMFYUI_REF=.*/ARG COMFYUI_REF=v0.30.0/' Dockerfile
    echo v0.30.0
fi
"""
LOCK = "#!/bin/bash\necho scripts/lock >>calls\necho locked >image.lock\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone with ComfyUI v0.29.0."""
    files = {"Dockerfile": "ARG COMFYUI_REF=v0.29.0\n", ".gitignore": "calls\n.venv\n", "image.lock": ""}
    origin = new_repository(tmp_path / "origin", files)
    root = tmp_path / "checkout"
    subprocess.run(["git", "clone", "--quiet", str(origin), str(root)], check=True)
    for name, text in ((".venv/bin/python", PYTHON), ("scripts/lock", LOCK)):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    (root / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/new_comfyui", root / ".ci")
    return root


def run(root: Path) -> tuple[str, list[str]]:
    """What it prints, and the files of the newest commit."""
    ended = subprocess.run([root / ".ci/new_comfyui"], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    shown = subprocess.run(
        ["git", "-C", str(root), "log", "-1", "--name-only", "--format=%D: %s"], capture_output=True, text=True
    )
    return ended.stdout, shown.stdout.split("\n")


def calls(root: Path) -> list[str]:
    return (root / "calls").read_text().splitlines()


def test_a_new_release_is_committed_with_its_locks_on_a_branch(checkout: Path) -> None:
    printed, newest = run(checkout)
    assert printed == "v0.30.0\n"
    assert newest[0] == "HEAD -> comfyui-v0.30.0: ComfyUI v0.30.0 (was v0.29.0)"
    assert sorted(filter(None, newest[1:])) == ["Dockerfile", "image.lock"]
    assert calls(checkout) == [
        "scripts/comfyui_pins.py latest", "scripts/settings_table.py", "scripts/lock", "scripts/node_packs.py lock",
    ]  # fmt: skip


def test_nothing_is_done_where_the_pins_are_the_newest(checkout: Path) -> None:
    (checkout / "Dockerfile").write_text("ARG COMFYUI_REF=v0.30.0\n")
    assert run(checkout)[0] == ""
    assert calls(checkout) == ["scripts/comfyui_pins.py latest"]


def test_nothing_is_done_where_the_branch_exists(checkout: Path) -> None:
    git(checkout.parent / "origin", "branch", "comfyui-v0.30.0")
    assert run(checkout)[0] == ""
    assert calls(checkout) == ["scripts/comfyui_pins.py latest"]


def test_a_repository_that_cannot_be_asked_is_an_error(checkout: Path) -> None:
    shutil.rmtree(checkout.parent / "origin")
    ended = subprocess.run([checkout / ".ci/new_comfyui"], capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0
    assert ended.stdout == ""
