"""Every regular expression of the package, found in its source, and hostile input for each."""

from __future__ import annotations

import ast
import importlib
import re
import time
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
#: Characters that are tried beside the pattern's own.
COMMON = "a0A-_ \t\n\"'\x1b]=/.:@?%#!("
#: Lengths whose times are compared, and how much longer the long one may take: 8 times is linear, 64 times quadratic.
SHORT, LONG, MOST_GROWTH = 3_000, 24_000, 24
#: Seconds for the long input below which nothing is compared: a quadratic pattern takes more.
NEGLIGIBLE = 0.006

_parser = importlib.import_module("re._parser")


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


def hostile(pattern: re.Pattern[str]) -> Iterator[str]:
    """Beginnings of endless input: each is repeated, and stands in front of repetitions."""
    runs = fragments(pattern)
    alphabet = sorted({*COMMON, *"".join(runs)})[:30]
    for character in alphabet:
        yield character
        for run in runs:
            yield run + character
            yield character + run
    yield from runs
    for first in runs[:12]:
        for second in runs[:12]:
            yield f"{first}{'a' * 25}.{second}"
            yield f"{first} {second}"
            yield first + second


def fragments(pattern: re.Pattern[str]) -> list[str]:
    """The runs of literal characters in a pattern, with one character of each class."""
    found: list[str] = []

    def walk(tree: object) -> str:
        run = ""
        for operation, value in tree:  # type: ignore[attr-defined]
            name = str(operation)
            if name == "LITERAL":
                run += chr(value)
            elif name == "IN":
                run += next((c for c in COMMON + "~;,<" if re.fullmatch(_class(value), c)), "")
            elif name == "BRANCH":
                found.extend(walk(each) for each in value[1])
            elif name == "SUBPATTERN":
                run += walk(value[3])
            elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
                found.append(run)
                run += walk(value[2]) * max(1, min(value[0], 30))
            elif name in ("ASSERT", "ASSERT_NOT"):
                found.append(walk(value[1]))
        found.append(run)
        return run

    walk(_parser.parse(pattern.pattern, pattern.flags))
    return sorted({run for run in found if run}, key=lambda run: (len(run), run))[:24]


def _class(members: list[tuple[object, object]]) -> str:
    """A character class of the parser's, as text again."""
    names = {"CATEGORY_DIGIT": r"\d", "CATEGORY_SPACE": r"\s", "CATEGORY_WORD": r"\w", "CATEGORY_NOT_SPACE": r"\S"}
    text = ""
    for operation, value in members:
        if str(operation) == "NEGATE":
            text += "^"
        elif str(operation) == "LITERAL":
            text += re.escape(chr(value))  # type: ignore[arg-type]
        elif str(operation) == "RANGE":
            text += "-".join(re.escape(chr(each)) for each in value)  # type: ignore[attr-defined]
        else:
            text += names[str(value)]
    return f"[{text}]"


def shapes(part: str) -> Iterator[Callable[[int], str]]:
    """Texts of any length made of `part`."""
    yield lambda length: part * (length // len(part))
    yield lambda length: part * (length // len(part)) + "!"
    yield lambda length: "a" + part[-1] * length + "\n"
    yield lambda length: part + part[-1] * length + "\x00"


def slow_shape(work: Callable[[str], object], part: str, most: int = LONG) -> str | None:
    """The start of a text of `part` for which `work` takes more than linear time, or None.

    `most`: the longest text; shorter ones are tried first, so that a quadratic pattern is found in a second.
    """
    for shape in shapes(part):
        length, before = SHORT, seconds(work, shape(SHORT))
        while length < most:
            length *= 8
            now = seconds(work, shape(length))
            if now > max(NEGLIGIBLE, MOST_GROWTH * before):
                # Once more, the best of three: another process may have had the processor.
                now = min(seconds(work, shape(length)) for _ in range(3))
                before = min(seconds(work, shape(length // 8)) for _ in range(3))
                if now > MOST_GROWTH * before:
                    return f"{shape(length)[:60]!r}...: {before * 1000:.2f} ms, then {now * 1000:.2f} ms"
            before = now
    return None


def seconds(work: Callable[[str], object], text: str) -> float:
    began = time.thread_time()
    work(text)
    return time.thread_time() - began
