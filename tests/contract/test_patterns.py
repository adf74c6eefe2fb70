"""No regular expression takes more than linear time: strangers choose what stands in a log."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable

import pytest

import entrypoint
from entrypoint.status.log_view import readable
from entrypoint.system.redaction import Redactor, without_queries
from tests.support.patterns import Pattern, hostile, patterns, slow_shape

FOUND = list(patterns())
MEGABYTE = 1_000_000


@pytest.mark.parametrize("found", FOUND, ids=[found.where for found in FOUND])
def test_the_time_of_a_pattern_is_linear_in_its_input(found: Pattern) -> None:
    works: list[Callable[[str], object]] = [lambda text: found.compiled.sub("", text)]
    if found.method in ("match", "fullmatch"):
        works = [getattr(found.compiled, found.method)]
    elif found.method == "compile":
        works.append(found.compiled.fullmatch)
    for work in works:
        for part in hostile(found.compiled):
            assert slow_shape(work, part) is None


def test_every_compiled_pattern_of_a_module_is_among_them() -> None:
    """What the source is searched for misses none that a running program has."""
    known = {(found.compiled.pattern, found.compiled.flags) for found in FOUND}
    for module in pkgutil.walk_packages(entrypoint.__path__, "entrypoint."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, re.Pattern):
                    assert (value.pattern, value.flags) in known, f"{module.name}.{name}"


@pytest.mark.parametrize(
    "pattern", [r"--[\w-]*(?:token|key)=", r"\x1b\][^\x07]*\x07", r"a.*b", r" *#", r"\beyJ[\w-]{10,}\.x"]
)
def test_a_quadratic_pattern_is_found(pattern: str) -> None:
    """Negative control: those that the audit found, and the textbook's."""
    compiled = re.compile(pattern)
    assert any(slow_shape(lambda text: compiled.sub("", text), part) for part in hostile(compiled))


@pytest.mark.parametrize("work", [Redactor(["s3cret-token", "abc", "aaab"]).text, without_queries, readable])
def test_a_megabyte_of_hostile_text_takes_linear_time(work: Callable[[str], str]) -> None:
    parts = [
        "-",
        "--",
        "\x1b]",
        "\x1b[",
        "://",
        "eyJaaaaaaaaaa.",
        "%",
        "%74oken=",
        "a",
        " ",
        '"',
        "Bearer ",
        "\r",
        "--a",
    ]
    parts += [
        "-----BEGIN ",
        "-----BEGIN A PRIVATE KEY-----",
        "https://",
        "token=",
        "hf_",
        "\n",
        "?",
        "@",
        "%25",
        "aaab",
    ]
    for part in parts:
        assert slow_shape(work, part, MEGABYTE) is None
