"""The conditions that follow from the keeper's report."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.queue.conditions import NAMES, queue_conditions

ASIDE = [{"id": f"id-{number}", "why": "why", "at": 1.0} for number in range(5)]


@pytest.mark.parametrize(
    ("report", "names"),
    [
        ({}, []),
        ({"problem": "", "damaged": 0, "asked": 0, "aside": []}, []),
        ({"aside": ASIDE[:1]}, ["PromptSetAside"]),
        ({"asked": 2}, ["QueueWaits"]),
        ({"problem": "No space left on device"}, ["QueueNotKept"]),
        ({"damaged": 3}, ["QueueDamaged"]),
        ({"aside": ASIDE, "asked": 1, "problem": "x", "damaged": 1},
         ["PromptSetAside", "QueueWaits", "QueueNotKept", "QueueDamaged"]),
        ({"aside": [None, 1], "asked": "x", "problem": 1, "damaged": None}, []),
        ({"aside": "x"}, []),
    ],
)  # fmt: skip
def test_the_conditions(report: dict[str, Any], names: list[str]) -> None:
    found = queue_conditions(report)
    assert [each.name for each in found] == names
    assert set(names) <= set(NAMES)
    assert all(each.reason and each.remedy for each in found)


def test_a_condition_names_the_first_three() -> None:
    (found,) = queue_conditions({"aside": ASIDE})
    assert found.reason.startswith(
        "5 queued workflow(s) were set aside, the others run: id-0: why; id-1: why; id-2: why"
    )
    assert found.reason.endswith("; and 2 more")
