"""Conditions are kept in one file each."""

import pathlib

from entrypoint.conditions.condition import Condition
from entrypoint.system.condition_store import clear_condition, raise_condition, read_conditions


def test_a_condition_is_new_once_until_it_changes_or_is_cleared(tmp_path: pathlib.Path) -> None:
    runtime, no_gpu = str(tmp_path), Condition("NoGpu", "no GPU", "start with one")
    assert raise_condition(runtime, no_gpu)
    assert not raise_condition(runtime, no_gpu)
    assert raise_condition(runtime, Condition("NoGpu", "another reason", "start with one"))
    assert clear_condition(runtime, "NoGpu")
    assert not clear_condition(runtime, "NoGpu")
    assert raise_condition(runtime, no_gpu)


def test_conditions_are_read_oldest_first(tmp_path: pathlib.Path) -> None:
    names = ["Z", "A", "M"]
    for name in names:
        raise_condition(str(tmp_path), Condition(name, "r", "m"))
    assert [condition.name for condition in read_conditions(str(tmp_path))] == names


def test_no_folder_no_conditions(tmp_path: pathlib.Path) -> None:
    assert read_conditions(str(tmp_path / "nowhere")) == []
