"""The modules that decide import nothing that acts."""

import ast
import pathlib

import pytest

import entrypoint.volumes

PURE = ("rules", "policy", "diagnosis", "pool_size", "counts", "pass_record", "adoption_plan", "former_conditions")
ACTING = {"os", "subprocess", "socket", "time", "shutil"}


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_imports_nothing_that_acts(name: str) -> None:
    source = (pathlib.Path(entrypoint.volumes.__file__).parent / f"{name}.py").read_text()
    assert source.startswith('"""P: ')
    imported: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert not imported & ACTING
