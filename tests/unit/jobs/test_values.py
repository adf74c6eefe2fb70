"""`6.text=a cat`, by id, title or class."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.jobs.failure import JobFailed
from entrypoint.jobs.values import Prompt, set_values, use_inputs

CLASSES = {
    "Sampler": {"input": {"required": {"seed": ["INT"], "cfg": ["FLOAT"], "fast": ["BOOLEAN"], "name": ["STRING"]}}},
    "Load": {"input": {"required": {"image": [["a.png"], {}]}}},
}


def prompt() -> Prompt:
    return {
        "6": {"class_type": "Sampler", "inputs": {"seed": 1, "model": ["7", 0]}, "_meta": {"title": "Main v1.5"}},
        "7": {"class_type": "Load", "inputs": {"image": "cat.png"}},
        "8": {"class_type": "Load", "inputs": {"image": "dog.png", "how.width": 3}},
    }


@pytest.mark.parametrize(
    ("target", "value", "key", "name", "expected"),
    [
        ("6.seed", "7", "6", "seed", 7),
        ("6.inputs.seed", 7, "6", "seed", 7),
        ("Sampler.cfg", " 1.5 ", "6", "cfg", 1.5),
        ("Main v1.5.fast", "Yes", "6", "fast", True),
        ("6.name", "7", "6", "name", "7"),
        ("6.model", ["8", 0], "6", "model", ["8", 0]),
        ("8.how.width", 4, "8", "how.width", 4),
        ("7.image", "new.png", "7", "image", "new.png"),
    ],
)
def test_a_value_is_set_in_its_type(target: str, value: Any, key: str, name: str, expected: Any) -> None:
    made = prompt()
    set_values(made, {target: value}, CLASSES)
    assert made[key]["inputs"][name] == expected


@pytest.mark.parametrize(
    ("target", "value", "words"),
    [
        ("9.seed", 1, "no such node"),
        ("Load.image", "x", "2 nodes are called 'Load': use an id: 7, 8"),
        ("6.sede", 1, "has no value 'sede'; it has seed, cfg, fast, name"),
        ("6.seed", "many", "not a whole number"),
        ("6.cfg", "x", "not a number"),
        ("6.fast", "maybe", "neither true nor false"),
    ],
)
def test_what_cannot_be_set_is_named(target: str, value: Any, words: str) -> None:
    with pytest.raises(JobFailed, match=words) as caught:
        set_values(prompt(), {target: value, "6.cfg": 3} | {target: value}, CLASSES)
    assert len(caught.value.failure.details) == 1


def test_inputs_stand_where_their_names_stood() -> None:
    made = prompt()
    assert use_inputs(made, {"cat.png": "jobs/1/cat.png", "no.png": "jobs/1/no.png"}) == ["no.png"]
    assert made["7"]["inputs"]["image"] == "jobs/1/cat.png"
    assert made["8"]["inputs"]["image"] == "dog.png"
