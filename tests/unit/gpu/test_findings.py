"""The conditions of the GPU's findings."""

from __future__ import annotations

import pytest

from entrypoint.conditions.condition import Condition
from entrypoint.gpu.findings import with_cost


@pytest.mark.parametrize(
    ("meter", "words"),
    [
        ({"price": 0.69, "run": 1800.0}, "; this pod has cost $0.34 so far"),
        ({"price": None, "run": 1800.0}, ""),
        ({"price": 0, "run": 1800.0}, ""),
        ({"price": "x", "run": []}, ""),
        ({}, ""),
    ],
)
def test_a_bad_host_says_what_it_has_cost(meter: dict[str, object], words: str) -> None:
    (found,) = with_cost([Condition("GpuSlow", "slow", "another host")], meter)
    assert found == Condition("GpuSlow", "slow" + words, "another host")
