"""The state of the delivery, as other programs read it."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.system.outputs_state import STALE_S, delivery

TO = "s3://bucket/out"
REPORT: dict[str, Any] = {
    "at": 1000.0, "to": TO, "delivered": 37, "total": 38, "left": 1, "looked": 999.0, "reason": "no room",
    "remedy": "make room", "first_left": [{"name": "a.png", "size": 3, "reason": "no room", "remedy": "make room"}],
}  # fmt: skip
DONE = REPORT | {"delivered": 38, "left": 0, "first_left": [], "reason": "", "remedy": ""}


def test_what_is_left_is_told_with_its_reason() -> None:
    found = delivery(REPORT, TO, 1001)
    assert found.text() == "37 of 38 delivered to s3://bucket/out: no room"
    assert not found.is_complete()
    assert found.first_left[0].name == "a.png"


def test_everything_is_delivered_as_of_the_last_look() -> None:
    found = delivery(DONE, TO, 1001)
    assert found.is_complete()
    assert found.is_complete(since=999)
    assert not found.is_complete(since=1000)


def test_without_a_destination_nothing_is_waited_for() -> None:
    assert delivery(None, "", 0).is_complete(since=5)
    assert delivery(None, "", 0).text() == ""


@pytest.mark.parametrize(
    "content",
    [None, [], "x", {}, DONE | {"at": "x"}, DONE | {"to": "s3://another"}, DONE | {"at": 1001 - STALE_S - 1},
     DONE | {"at": 1001 + STALE_S + 1}, DONE | {"first_left": [1]}, DONE | {"left": None},
     DONE | {"delivered": float("inf")}],
)  # fmt: skip
def test_what_is_not_known_is_not_delivered(content: Any) -> None:
    found = delivery(content, TO, 1001)
    assert not found.known
    assert not found.is_complete()
    assert "does not run" in found.text()
