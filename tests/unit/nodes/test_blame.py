"""Which custom nodes are left out."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.nodes.blame import (
    End,
    LastStart,
    LeftOut,
    State,
    arguments_without,
    ends_in_a_row,
    judged,
    last_fault,
)

STAMPS = {"Bad": "1", "Good": "2", "podkeeper.py": "3"}
USERS = ("Bad", "Good")
SERVED = LastStart(served=True)


def end(node: str = "Bad", kind: str = "exit", at: float = 1.0) -> End:
    return End(node, at, kind, "exited with 3")


def fault(kind: str = "exit", **more: Any) -> LastStart:
    return LastStart({"time": 1.0, "kind": kind, "reason": "exited with 3"}, **more)


def loading(node: str = "Bad", kind: str = "exit") -> LastStart:
    return fault(kind, loading=node)


def used(node: str = "Bad") -> LastStart:
    return fault("signal", used=node, served=True)


def after(*starts: LastStart, left_out: dict[str, LeftOut] | None = None) -> tuple[State, dict[str, LeftOut]]:
    """What is known after these starts."""
    state, now = State(), left_out or {}
    for each in starts:
        state, now = judged(state, each, now, STAMPS, USERS)
    return state, now


@pytest.mark.parametrize(
    ("starts", "names"),
    [
        ([], set()),
        ([loading()], set()),
        ([loading(), loading()], {"Bad"}),
        ([loading(kind="signal"), loading()], {"Bad"}),
        ([loading(), loading("Good")], set()),
        ([loading(), loading("Good"), loading()], set()),
        ([loading(kind="node")], {"Bad"}),  # it took the whole time-out: once is enough
        ([loading("gone"), loading("gone")], set()),
        ([loading(), SERVED, loading()], set()),
        ([loading(), LastStart(), loading()], {"Bad"}),  # a stop before it responded says nothing
        ([loading(), LastStart(explained=True), loading()], set()),
        ([used(), used()], {"Bad"}),
        ([used(), SERVED, used()], {"Bad"}),
        ([used()], set()),
        ([used(), used("Good"), used()], set()),
        ([fault(served=True), fault(served=True), fault(served=True)], set()),  # nothing names a node
    ],
)
def test_a_node_that_ends_comfyui_twice_in_a_row_is_left_out(starts: list[LastStart], names: set[str]) -> None:
    state, now = after(*starts)
    assert set(now) == names
    assert state.search is None


def test_the_reason_says_how_often_and_how() -> None:
    assert after(loading(), loading())[1]["Bad"].reason == "it ended ComfyUI 2 times while it was loaded: exited with 3"
    reason = after(used(), used())[1]["Bad"].reason
    assert reason == "it ended ComfyUI 2 times within a minute of its first use: exited with 3"


def test_it_stays_left_out_until_it_changes_or_is_gone() -> None:
    before = {"Bad": LeftOut("why", "1")}

    def now(stamps: dict[str, str]) -> dict[str, LeftOut]:
        return judged(State(), LastStart(), before, stamps, USERS)[1]

    assert now(STAMPS) == before
    assert now(STAMPS | {"Bad": "9"}) == {}
    assert now({"Good": "2"}) == {}


def test_one_more_is_left_out_beside_the_first() -> None:
    left_out = {"Bad": LeftOut("why", "1")}
    assert set(after(loading("Good"), loading("Good"), left_out=left_out)[1]) == {"Bad", "Good"}


def test_where_nothing_names_a_node_all_are_left_out_to_begin_a_search() -> None:
    state, _ = after(fault(), fault())
    assert state.search
    assert state.search.out == USERS


def test_a_search_that_finds_no_node_at_fault_is_not_repeated_until_something_changes() -> None:
    starts = [fault()] * 6
    state, now = after(*starts)
    assert state.search is None
    assert now == {}
    assert judged(state, fault(), now, STAMPS | {"Bad": "9"}, USERS)[0].search


def test_a_stop_by_the_user_does_not_end_a_search() -> None:
    state, _ = after(fault(), fault(), LastStart())
    assert state.search


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
    expected = ["--disable-all-custom-nodes", "--whitelist-custom-nodes", "a.py", "Good"]
    assert arguments_without(["Bad"], ["a.py", "Bad", "Good"], []) == expected
    assert arguments_without([], ["a.py"], []) == []
    assert arguments_without(["Bad"], ["Bad"], []) == [
        "--disable-all-custom-nodes"
    ]  # argparse wants a word behind the other
    assert arguments_without(["Bad"], ["a.py"], ["--disable-all-custom-nodes"]) == []
