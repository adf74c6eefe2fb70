"""Whether the packages are taken for the fault of ComfyUI's dead starts."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.packages.starts import Start, content_of, dead_in_a_row, parse, served


def fault(at: float, kind: str = "exit", program: str = "comfyui") -> dict[str, Any]:
    return {"time": at, "program": program, "kind": kind}


TWO = (Start(10, "new"), Start(20, "new"))


@pytest.mark.parametrize(
    ("starts", "restarts", "dead"),
    [
        ((), [], 0),
        (TWO, [fault(12), fault(25)], 2),
        (TWO, [fault(12, "signal"), fault(25, "hang")], 2),
        (TWO, [fault(25)], 1),
        (TWO, [fault(12), fault(25, "operator")], 1),  # stopped by the user
        (TWO, [fault(12, "oom"), fault(25, "oom")], 0),  # memory is no package's fault
        (TWO, [fault(12, program="jupyter"), fault(25, program="jupyter")], 0),
        (TWO, [fault(5), fault(9)], 0),  # of starts before these
        ((Start(10, "new"), Start(20, "new", served=True)), [fault(12), fault(99)], 0),
        ((Start(10, "new", served=True), Start(20, "new")), [fault(15), fault(25)], 1),
        ((Start(10, "old"), Start(20, "new")), [fault(12), fault(25)], 1),  # packages changed in between
        (TWO, [{"time": "x"}, {}, 7, {"program": "comfyui", "kind": "exit"}], 0),
    ],
)
def test_dead_starts_in_a_row(starts: tuple[Start, ...], restarts: list[Any], dead: int) -> None:
    assert dead_in_a_row(starts, restarts, "new") == dead


def test_what_was_written_is_read() -> None:
    starts = (*TWO, Start(30, "x", served=True))
    assert parse(content_of(starts)) == starts
    assert parse({"starts": [None, 1, {"at": "x"}, {"at": 1}]}) == parse({}) == ()
    assert len(parse(content_of([Start(n, "x") for n in range(99)]))) == 20


def test_the_last_start_has_served() -> None:
    assert served(TWO) == (TWO[0], Start(20, "new", served=True))
    assert served(()) == ()
