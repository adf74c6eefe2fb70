"""The snapshot's field `queue`, whatever the report's content."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.status.kept_queue import ids, kept_queue

ASIDE = {"id": "a-1", "why": "ComfyUI died\n2 times", "at": 5.0}


def test_a_report_becomes_the_field() -> None:
    found = kept_queue({"waiting": 2, "asked": 1, "aside": [ASIDE], "more": 3, "drained": True})
    assert found
    assert (found.waiting, found.asked, found.more, found.drained) == (2, 1, 3, True)
    assert [(each.id, each.why, each.at) for each in found.aside] == [("a-1", "ComfyUI died 2 times", 5.0)]
    assert ids({"waiting": 0, "aside": [ASIDE]}) == {"a-1"}


@pytest.mark.parametrize("report", [None, {}, [], "x", {"drained": True}])
def test_no_report_is_no_queue(report: Any) -> None:
    assert kept_queue(report) is None
    assert ids(report) == set()


@pytest.mark.parametrize(
    "row", [None, 1, [], {}, {"id": 1, "at": 5}, {"id": "", "at": 5}, {"id": "a"}, {"id": "a", "at": "x"}]
)
def test_odd_rows_are_left_out(row: Any) -> None:
    found = kept_queue({"waiting": "many", "asked": True, "more": -1, "aside": [row], "drained": "yes"})
    assert found
    assert (found.waiting, found.asked, found.more, found.drained, found.aside) == (0, 0, 0, False, ())
