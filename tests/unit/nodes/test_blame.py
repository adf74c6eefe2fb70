"""Which custom nodes are left out."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.nodes.blame import End, LeftOut, arguments_without, ends_in_a_row, judged, last_fault

STAMPS = {"Bad": "1", "Good": "2"}


def end(node: str = "Bad", kind: str = "exit", at: float = 1.0) -> End:
    return End(node, at, kind, "exited with 3")


@pytest.mark.parametrize(
    ("ends", "names"),
    [
        ([], set()),
        ([end()], set()),
        ([end(), end()], {"Bad"}),
        ([end(kind="signal"), end()], {"Bad"}),
        ([end(), end("Good")], set()),
        ([end(), end("Good"), end()], set()),
        ([end(kind="node")], {"Bad"}),  # it took the whole time-out: once is enough
        ([end("gone"), end("gone")], set()),
    ],
)
def test_a_node_that_ends_two_starts_in_a_row_is_left_out(ends: list[End], names: set[str]) -> None:
    assert set(judged(ends, {}, STAMPS)) == names


def test_the_reason_says_how_often_and_how() -> None:
    assert judged([end(), end()], {}, STAMPS)["Bad"].reason == (
        "it ended ComfyUI 2 times while it was loaded: exited with 3"
    )


def test_it_stays_left_out_until_it_changes_or_is_gone() -> None:
    before = {"Bad": LeftOut("why", "1")}
    assert judged([], before, STAMPS) == before
    assert judged([], before, STAMPS | {"Bad": "9"}) == {}
    assert judged([], before, {"Good": "2"}) == {}


def test_one_more_is_left_out_beside_the_first() -> None:
    assert set(judged([end("Good"), end("Good")], {"Bad": LeftOut("why", "1")}, STAMPS)) == {"Bad", "Good"}


def test_ends_in_a_row() -> None:
    assert ends_in_a_row([]) == 0
    assert ends_in_a_row([end("Good"), end(), end()]) == 2


def entry(**changes: Any) -> dict[str, Any]:
    return {"program": "comfyui", "time": 10.0, "kind": "exit", "reason": "x"} | changes


@pytest.mark.parametrize(
    ("restarts", "found"),
    [
        ([], False),
        ([entry()], True),
        ([entry(kind="operator")], False),  # stopped by the user
        ([entry(kind="oom")], False),  # memory is no node's fault
        ([entry(time=4.0)], False),  # of a start before
        ([entry(), entry(program="jupyter")], True),
        ([entry(), entry(kind="wanted")], False),
        ([None, 7, {}, {"program": "comfyui", "time": "x"}], False),
    ],
)
def test_the_last_fault(restarts: list[Any], found: bool) -> None:
    assert bool(last_fault(restarts, 5.0)) is found


def test_the_arguments_name_every_other_node() -> None:
    bad = {"Bad": LeftOut("why", "1")}
    expected = ["--disable-all-custom-nodes", "--whitelist-custom-nodes", "a.py", "Good"]
    assert arguments_without(bad, ["a.py", "Bad", "Good"], []) == expected
    assert arguments_without({}, ["a.py"], []) == []
    assert arguments_without(bad, ["a.py"], ["--disable-all-custom-nodes"]) == []
