"""No condition without a test that produces it for real: its names are read from the code itself."""

from __future__ import annotations

import ast
import re

import pytest

from entrypoint.conditions.registry import REGISTRY, START
from entrypoint.settings.services import PROGRAMS
from entrypoint.volumes.diagnosis import CONDITION_NAMES
from tests.support.checkout import ROOT
from tests.support.condition_tests import POD, PRODUCED_BY
from tests.support.pods_with_conditions import SICK

#: Where a name is a variable, and all it can be: a new one of these must be looked at by a person.
VARIABLE = {
    ("entrypoint/volumes/diagnosis.py", "name"): set(CONDITION_NAMES),
    ("entrypoint/volumes/former_templates.py", "name"): {"FormerEnvironment", "FormerFoldersUnused"},
    ("entrypoint/system/ports.py", "condition"): {"ComfyUIPortTaken", "GatewayPortTaken", "SshPortTaken"},
    ("entrypoint/volumes/adopt_folders.py", "found[0].name"): {"FolderInTheWay"},
    ("entrypoint/jupyter/user_config.py", "name"): {"JupyterUserConfigBroken", "JupyterUserSettingIgnored"},
    ("entrypoint/gpu/findings.py", "name"): {
        "AttentionKernelWrong",
        "GpuComputesWrong",
        "GpuDriverOld",
        "GpuFaulty",
        "GpuShared",
        "GpuSlow",
        "GpuUnusable",
    },
    ("entrypoint/system/condition_store.py", "*words"): set(),
    ("entrypoint/system/privileges.py", "*words"): set(),
}


def names_raised() -> set[str]:
    """The first argument of every Condition(...) in entrypoint/, constants followed to where they are set."""
    trees = {path: ast.parse(path.read_text()) for path in (ROOT / "entrypoint").rglob("*.py")}
    constants: dict[str, set[str]] = {}
    for tree in trees.values():
        for statement in tree.body:
            if isinstance(statement, ast.Assign):
                for name, value in pairs(statement):
                    constants.setdefault(name, set()).add(value)
    found: set[str] = set()
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Condition":
                found |= resolve(node.args[0], str(path.relative_to(ROOT)), constants)
    return found


def pairs(node: ast.Assign) -> list[tuple[str, str]]:
    """(name, text) of `A = "x"` and of `A, B = "x", "y"`."""
    target = node.targets[0] if len(node.targets) == 1 else None
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    return [
        (name.id, value.value)
        for name, value in zip(names, values, strict=False)
        if isinstance(name, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str)
    ]


def resolve(argument: ast.expr, path: str, constants: dict[str, set[str]]) -> set[str]:
    if isinstance(argument, ast.Constant):
        return {str(argument.value)}
    text = ast.unparse(argument)
    if (path, text) in VARIABLE:
        return VARIABLE[path, text]
    camel = {name for name in constants.get(text, ()) if re.fullmatch(r"(?:[A-Z][A-Za-z]+){2,}", name)}
    assert camel, f"{path}: which condition is Condition({text}, ...)? Name it in VARIABLE of this test"
    return camel


def test_every_condition_has_a_test_and_every_listed_condition_exists() -> None:
    assert names_raised() == set(PRODUCED_BY)


def test_a_condition_without_a_test_is_found() -> None:
    """Negative control: what the names are read by sees a new one."""
    assert resolve(ast.parse("Condition('New', '', '')").body[0].value.args[0], "x.py", {}) == {"New"}  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="which condition is"):
        resolve(ast.parse("f(x)").body[0].value.args[0], "x.py", {})  # type: ignore[attr-defined]


def test_the_registry_has_an_entry_for_every_condition_and_no_other() -> None:
    assert set(REGISTRY) == set(PRODUCED_BY)


def test_the_registry_names_programs_and_services_of_the_pod() -> None:
    assert {entry.cleared_by for entry in REGISTRY.values()} <= {program.name for program in PROGRAMS} | {START}
    assert {entry.blocks for entry in REGISTRY.values()} <= {program.name for program in PROGRAMS} | {""}


@pytest.mark.parametrize("name", sorted(PRODUCED_BY))
def test_every_named_test_exists(name: str) -> None:
    path, _, function = PRODUCED_BY[name].partition("::")
    tree = ast.parse((ROOT / path).read_text())
    assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_condition_listed_for_a_pod_is_one_of_a_prepared_pods() -> None:
    had = {name for sick in SICK for name in sick.conditions}
    assert {name for name, where in PRODUCED_BY.items() if where == POD} <= had
