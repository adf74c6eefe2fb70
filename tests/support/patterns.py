"""Every regular expression of the package, found in its source."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import NamedTuple

from entrypoint.system.redaction import Redactor
from tests.support.checkout import ROOT

#: Functions of `re` whose first argument is a pattern.
FUNCTIONS = ("compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer")
#: What stands in a pattern's text for a value that only a running program knows.
FILLER = "key"
#: Patterns that are built of data: their source -> how to make one.
BUILT: dict[str, Callable[[], object]] = {
    "'|'.join(patterns)": lambda: Redactor(["aaaaaaaa", "-- --", "ab", "a-a"]).__dict__["_known"],
}


class Pattern(NamedTuple):
    """A pattern and the line that has it. `method`: how it is applied; "compile": in every way."""

    where: str
    compiled: re.Pattern[str]
    method: str


def patterns() -> Iterator[Pattern]:
    """All patterns of the package, from the calls of `re` in its source."""
    for path in sorted((ROOT / "entrypoint").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        tree = ast.parse(path.read_text())
        calls = list(calls_of_re(tree, name))
        if calls:
            module = importlib.import_module(name.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))
            for call in calls:
                where = f"{name}:{call.lineno}"
                yield Pattern(where, compiled(call, module, tree), call.func.attr)  # type: ignore[attr-defined]


def calls_of_re(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.module not in ("re", "fnmatch"), f"{name}: import the module, so that its calls are found"
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {f"re.{function}" for function in FUNCTIONS}:
            yield node


def compiled(call: ast.Call, module: ModuleType, tree: ast.AST) -> re.Pattern[str]:
    source = ast.unparse(call.args[0])
    if source in BUILT:
        return BUILT[source]()  # type: ignore[return-value]
    given = [*call.args[1:], *(each.value for each in call.keywords if each.arg == "flags")]
    flags = re.NOFLAG
    for each in ast.walk(ast.Tuple(given, ast.Load())):
        if isinstance(each, ast.Attribute) and isinstance(getattr(re, each.attr, None), re.RegexFlag):
            flags |= getattr(re, each.attr)
    return re.compile(text_of(call.args[0], module, tree), flags)


def text_of(node: ast.expr, module: ModuleType, tree: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(FILLER if isinstance(part, ast.FormattedValue) else str(part.value) for part in node.values)  # type: ignore[attr-defined]
    if isinstance(node, ast.Name):
        if hasattr(module, node.id):
            return str(getattr(module, node.id))
        for each in ast.walk(tree):
            if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == node.id:
                return str(ast.literal_eval(each.value))
    return str(ast.literal_eval(node))
