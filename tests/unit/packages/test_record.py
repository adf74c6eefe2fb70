"""The record of packages: what several pods have written becomes one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.packages.record import (
    Entry,
    difference,
    dominated,
    installed,
    merged,
    parse,
    set_id,
    text_of,
    updated,
)

NAMES = st.sampled_from(["a", "b", "c"])
ENTRIES = st.builds(
    Entry, st.sampled_from([1.0, 2.0, 3.0]), st.sampled_from(["", "x.tar.zst", "y.tar.zst"]), NAMES, st.just("1"),
    st.booleans(),
)  # fmt: skip
RECORDS = st.lists(ENTRIES, max_size=4).map(lambda entries: {entry.name: entry for entry in entries})


def entry(name: str, version: str = "1", at: float = 1.0, archive: str | None = None) -> Entry:
    return Entry(at, f"{name}-{version}.tar.zst" if archive is None else archive, name, version)


def record(*entries: Entry) -> dict[str, Entry]:
    return {each.name: each for each in entries}


@given(RECORDS, RECORDS, RECORDS)
def test_pods_get_the_same_record_in_whatever_order_they_read(first: dict[str, Entry], second: dict[str, Entry],
                                                              third: dict[str, Entry]) -> None:  # fmt: skip
    together = merged([first, second, third])
    assert together == merged([third, merged([second, first])]) == merged([together, first])
    assert all(dominated(each, together) for each in (first, second, third))


@given(RECORDS)
def test_a_record_is_read_as_it_was_written(written: dict[str, Entry]) -> None:
    assert parse(text_of(written)) == written


@pytest.mark.parametrize(
    "text",
    [None, "", "{", "[]", "null", '{"packages": 1}', '{"packages": [1, null, {}, {"name": "a"}]}', b"\xff\xfe",
     "[" * 100_000, '{"packages": [{"name": "a", "version": "1", "archive": "../x", "at": 1}]}',
     '{"packages": [{"name": "a", "version": "1", "archive": "x", "at": 1' + "0" * 400 + "}]}"],
)  # fmt: skip
def test_what_is_no_record_is_an_empty_one(text: str | bytes | None) -> None:
    assert parse(text) == {}


def test_one_bad_entry_costs_itself_alone() -> None:
    good = text_of(record(entry("a"), entry("b")))
    assert set(parse(good.replace('"name": "a"', '"name": 7'))) == {"b"}


def test_a_removal_is_later_than_what_it_removes_and_another_pods_install_later_still() -> None:
    before = record(entry("a", at=5.0))
    removed = updated(before, {}, ["a"], at=6.0)
    assert installed(removed) == {}
    assert installed(merged([before, removed])) == {}
    again = record(entry("a", at=7.0))
    assert set(installed(merged([before, removed, again]))) == {"a"}


def test_a_clock_that_goes_back_does_not_undo_a_removal() -> None:
    before = record(entry("a", at=5.0))
    assert installed(merged([before, updated(before, {}, ["a"], at=1.0)])) == {}


def test_what_this_overlay_never_had_was_not_removed_from_it() -> None:
    """Another pod's package, and one whose archive could not be read at the start."""
    before = record(entry("a"), entry("b"))
    after = updated(before, record(entry("b")), ["b"], at=9.0)
    assert after == before


def test_an_unchanged_package_keeps_its_time() -> None:
    before = record(entry("a", at=1.0))
    assert updated(before, record(entry("a", at=9.0)), ["a"], at=9.0) == before


def test_the_difference_names_each_change() -> None:
    before = record(entry("kept"), entry("moved", "2.1"), entry("old", "3"), entry("same", archive="x"))
    after = record(entry("kept"), entry("moved", "1.26"), entry("new"), entry("same", archive="y"))
    expected = "moved 2.1 -> 1.26, +new 1, -old 3, same 1 (installed anew)"
    assert difference(before, after) == expected
    assert difference(before, before) == ""


def test_a_set_has_the_name_of_its_archives() -> None:
    assert set_id(record(entry("a", at=1.0))) == set_id(record(entry("a", at=2.0), entry("b", archive="")))
    assert set_id(record(entry("a"))) != set_id(record(entry("a", "2")))
