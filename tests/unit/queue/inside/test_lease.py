"""Whose journal is whose: the owner's name, and whether a pod still lives."""

from __future__ import annotations

import json
import os
import pathlib
import time
from collections.abc import Iterator

import pytest

from entrypoint.queue.inside.lease import DEAD_S, hold, is_dead, owner_of


@pytest.fixture
def lease(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A lease that this process holds."""
    descriptor = hold(str(tmp_path), "other")
    yield tmp_path / "other.lease"
    os.close(descriptor)


def age(path: pathlib.Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_lock_is_believed_where_both_see_the_same_mount(lease: pathlib.Path) -> None:
    age(lease, 10 * DEAD_S)  # a busy pod that has not renewed
    assert not is_dead(str(lease.parent), "other")


def test_a_lease_without_a_holder_is_dead_at_once(tmp_path: pathlib.Path) -> None:
    os.close(hold(str(tmp_path), "other"))
    assert is_dead(str(tmp_path), "other")


@pytest.mark.parametrize("about", [{"boot": "another machine"}, {"device": -1}, {}, [], None])
@pytest.mark.parametrize(("seconds", "dead"), [(0, False), (DEAD_S - 20, False), (DEAD_S + 20, True)])
def test_else_the_volumes_clock_counts(tmp_path: pathlib.Path, about: object, seconds: float, dead: bool) -> None:
    os.close(hold(str(tmp_path), "other"))
    path = tmp_path / "other.lease"
    real = json.loads(path.read_text())
    path.write_text(json.dumps(real | about if isinstance(about, dict) and about else about))
    age(path, seconds)
    assert is_dead(str(tmp_path), "other") is dead


@pytest.mark.parametrize(("seconds", "dead"), [(0, False), (DEAD_S + 20, True)])
def test_a_pod_without_a_lease_is_judged_by_its_journal(tmp_path: pathlib.Path, seconds: float, dead: bool) -> None:
    (tmp_path / "other.journal").touch()
    age(tmp_path / "other.journal", seconds)
    assert is_dead(str(tmp_path), "other") is dead


def test_runpods_id_is_the_name_and_else_one_for_this_container(tmp_path: pathlib.Path) -> None:
    (tmp_path / "reports").mkdir()
    assert owner_of(str(tmp_path), "AbC123") == "abc123"
    first = owner_of(str(tmp_path), "")
    assert (len(first), owner_of(str(tmp_path), "")) == (16, first)
    assert owner_of(str(tmp_path), "../../etc") == first
    (tmp_path / "reports/queue-owner").write_text("../../etc")
    assert owner_of(str(tmp_path), "") not in ("../../etc", first)
