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
from tests.support.hostile_text import hostile, slow_shape
from tests.support.patterns import Pattern, patterns

FOUND = list(patterns())
#: What slow patterns feed on, for the functions that apply several patterns.
PARTS = (
    *("-", "--", "\x1b]", "\x1b[", "://", "eyJaaaaaaaaaa.", "%", "%74oken=", "a", " ", '"', "Bearer ", "\r", "--a"),
    *("-----BEGIN ", "-----BEGIN A PRIVATE KEY-----", "https://", "token=", "hf_", "\n", "?", "@", "%25", "aaab"),
)


@pytest.mark.parametrize("found", FOUND, ids=[found.where for found in FOUND])
def test_the_time_of_a_pattern_is_linear_in_its_input(found: Pattern) -> None:
    works: list[Callable[[str], object]] = [lambda text: found.compiled.sub("", text)]
    if found.method in ("match", "fullmatch"):
        works = [getattr(found.compiled, found.method)]
    elif found.method == "compile":
        works.append(found.compiled.fullmatch)
    for work in works:
        assert slow_shape(work, hostile(found.compiled)) is None


def test_every_compiled_pattern_of_a_module_is_among_them() -> None:
    """What the source is searched for misses none that a running program has."""
    known = {(found.compiled.pattern, found.compiled.flags) for found in FOUND}
    for module in pkgutil.walk_packages(entrypoint.__path__, "entrypoint."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, re.Pattern):
                    assert (value.pattern, value.flags) in known, f"{module.name}.{name}"


@pytest.mark.parametrize(
    "pattern",
    [
        # Of the redactor and the log view, before the audit:
        r"(--[\w-]*(?:token|key|password|secret)(?:=|\s+))[^\s\"',]+",
        r"(?:hf_\w{20,}|eyJ[\w-]{10,}\.eyJ[\w-]+\.[\w-]+)",
        r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-Z\\-_])",
        # The textbook's:
        r"(a+)+$", r"(\w+\s?)*$", r"([^@]*)*@", r"a.*b", r" *#", r"\d+\w+x", r"[^:]*:", r"(?<=,)\S*;",
    ],
)  # fmt: skip
def test_a_slow_pattern_is_found(pattern: str) -> None:
    compiled = re.compile(pattern)
    assert slow_shape(lambda text: compiled.sub("", text), hostile(compiled))


@pytest.mark.parametrize("work", [Redactor(["s3cret-token", "abc", "aaab"]).text, without_queries, readable])
def test_hostile_text_takes_linear_time(work: Callable[[str], str]) -> None:
    assert slow_shape(work, PARTS) is None
