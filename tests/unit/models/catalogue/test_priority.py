"""Which files come first: what is said of a file beats what is said of its bundle."""

from __future__ import annotations

import pytest

from entrypoint.models.catalogue.priority import Priority
from entrypoint.models.sources.model_file import File


def file(bundle: str, name: str = "a") -> File:
    return File(bundle=bundle, source="url", dest=f"loras/{name}")


@pytest.mark.parametrize(
    ("moves", "order"),
    [
        ([], "ABC"),
        ([("C", True)], "CAB"),
        ([("C", True), ("B", True)], "BCA"),
        ([("A", False)], "BCA"),
        ([("A", False), ("B", False)], "CAB"),
        ([("C", True), ("C", False)], "ABC"),
        ([("C", False), ("C", True)], "CAB"),
        ([("loras/B", True), ("C", True)], "CBA"),
        ([("B", False), ("loras/B", True)], "BAC"),
    ],
)
def test_the_order(moves: list[tuple[str, bool]], order: str) -> None:
    priority = Priority()
    for name, first in moves:
        priority = priority.moved(name, first=first)
    priority = Priority.read(priority.content())
    found = sorted("ABC", key=lambda name: (priority.rank(file(name, name)), name))
    assert "".join(found) == order


@pytest.mark.parametrize("content", [{}, {"first": 1}, {"first": [1, None, {}], "later": "A"}])
def test_anything_on_the_volume_is_read(content: dict[str, object]) -> None:
    assert Priority.read(content) == Priority()
