"""The rules of the tests' own files: what they import, that unit tests are named for the module they test, and what
tests that run side by side share."""

import ast
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.ports import port_range
from tests.support.side_by_side import scope_of

TESTS = ROOT / "tests"
FILES = sorted([*TESTS.rglob("*.py"), *(ROOT / "bench").rglob("*.py")])
UNIT_TESTS = sorted((TESTS / "unit").rglob("test_*.py"))
#: Unit tests of more than one module.
NAMED_FOR_NO_MODULE = {
    "models/test_outcome.py",  # how a run ends, as a table
    "volumes/test_purity.py",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def forbidden_imports(source: str) -> list[str]:
    """Imports from a test module, and imports of another module's private names."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules, names = [alias.name for alias in node.names], []
        elif isinstance(node, ast.ImportFrom):
            modules, names = [node.module or ""], [alias.name for alias in node.names]
        else:
            continue
        of_a_test = any(part.startswith("test_") for module in [*modules, *names] for part in module.split("."))
        private = any(name.startswith("_") and not name.startswith("__") for name in names)
        if of_a_test or private:
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nothing_is_imported_from_a_test_module_and_no_private_name(path: Path) -> None:
    """What two test modules share stands in tests/support/, under a public name."""
    assert forbidden_imports(path.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        "from tests.process.boot.test_pod import pod",
        "from tests.process.boot import test_pod",
        "import tests.process.boot.test_pod",
        "from .test_pod import pod",
        "from tests.support.pod import _started",
    ],
)
def test_a_forbidden_import_is_found(line: str) -> None:
    """Negative control."""
    assert forbidden_imports(line) == [line]
    assert forbidden_imports(f"def test_it():\n    {line}") == [line]
    assert forbidden_imports("from entrypoint.door import __main__\nfrom tests.support.pod import Pod") == []


def modules_named(test: Path, packages: Path) -> list[Path]:
    """Modules that a unit test's name mirrors: of the same name, in the package of the same subject or below."""
    subject = test.relative_to(TESTS / "unit").parts[0]
    return list((packages / subject).rglob(f"{test.stem.removeprefix('test_')}.py"))


@pytest.mark.parametrize("path", UNIT_TESTS, ids=name_of)
def test_every_unit_test_is_named_for_the_module_it_tests(path: Path) -> None:
    shared = str(path.relative_to(TESTS / "unit")) in NAMED_FOR_NO_MODULE
    assert shared or modules_named(path, ROOT / "entrypoint")


def test_a_unit_test_of_no_module_is_found() -> None:
    """Negative control."""
    assert modules_named(TESTS / "unit/doctor/test_evaluate.py", ROOT / "entrypoint") == []


def test_processes_side_by_side_share_no_port_and_take_none_of_linuxs() -> None:
    ranges = [port_range(f"gw{number}", 3) for number in range(3)]
    ports = [port for each in ranges for port in each]
    assert len(set(ports)) == len(ports) == 12_000
    assert min(ports) > 18_190  # the pod's default ports
    assert max(ports) < 32_768  # net.ipv4.ip_local_port_range


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("tests/process/boot/test_pod.py::test_it", "tests/process/boot/test_pod.py"),
        ("tests/process/boot/test_pod.py::test_it[::a]", "tests/process/boot/test_pod.py"),
        ("tests/browser/test_nodes_card.py::test_it[390]", "tests/browser/test_nodes_card.py"),
        ("tests/browser/test_twelve_checks.py::test_it[Host kept-a]", "[Host kept"),
        ("tests/browser/test_proxy_and_watcher.py::test_it[Host kept]", "[Host kept"),
        ("tests/browser/test_twelve_checks.py::test_it[Host rewritten-a]", "[Host rewritten"),
    ],
)
def test_tests_that_share_a_pod_run_in_one_process(name: str, scope: str) -> None:
    assert scope_of(name) == scope
