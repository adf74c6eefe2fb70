"""The rules of the architecture that a test can check."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.checkout import ROOT

MODULES = sorted(path for path in (ROOT / "entrypoint").rglob("*.py") if path.stat().st_size)
ACTING = {"os", "subprocess", "socket", "time", "shutil"}
LONGEST = 280


def kind_of(path: Path) -> str:
    """The letter in the docstring's first line: P decides, A acts, both may be missing in __init__."""
    first = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0]
    found = re.match(r"([PA]): ", first) or re.search(r"\(([PA])\)\.?$", first)
    return found.group(1) if found else ""


def imports_of(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_whether_it_decides_or_acts(path: Path) -> None:
    if path.name != "__init__.py":
        assert kind_of(path), "the docstring's first line starts with 'P:' (decides) or 'A:' (acts)"


@pytest.mark.parametrize(
    "path", [path for path in MODULES if kind_of(path) == "P"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_module_that_decides_imports_nothing_that_acts(path: Path) -> None:
    assert not imports_of(path) & ACTING


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


def test_no_module_has_a_catch_all_name() -> None:
    assert not [path for path in ROOT.rglob("*.py") if path.stem in ("utils", "helpers", "common", "misc")
                and ".venv" not in path.parts and ".podkeeper" not in path.parts]  # fmt: skip
