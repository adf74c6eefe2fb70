"""The import contracts of pyproject.toml hold, and one forbidden import breaks them (negative control)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT

LINT = Path(sys.executable).parent / "lint-imports"
#: A file, and an import that its floor or room forbids.
FORBIDDEN = {
    "a lower floor imports a higher one": ("settings/parsing.py", "from entrypoint.system.files import read_text"),
    "a wing imports another wing": ("models/disk.py", "from entrypoint.comfyui.arguments import build"),
    "a wing imports the roof": ("comfyui/arguments.py", "from entrypoint.status.schema import SCHEMA"),
    "two modules of a room import each other": ("supervision/exits.py", "import entrypoint.supervision.journal"),
    "a circle inside models": ("models/catalogue/manifest.py", "import entrypoint.models.catalogue.fit"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINT, "--no-cache", "--no-logo"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "entrypoint", tmp_path / "entrypoint", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold(copy: Path) -> None:
    ended = lint(copy)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize(("path", "line"), FORBIDDEN.values(), ids=list(FORBIDDEN))
def test_one_forbidden_import_breaks_them(copy: Path, path: str, line: str) -> None:
    module = copy / "entrypoint" / path
    module.write_text(f"{module.read_text()}\n\n{line}\n")
    ended = lint(copy)
    assert ended.returncode == 1, ended.stdout
    assert "BROKEN" in ended.stdout
