"""The chunks of a file, and the journal."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.models.download.chunks import ChunkLayout, Identity, identity_of, read_journal

WANTED = identity_of("ab" * 32, "", "boot", 100, 30)


@given(st.integers(1, 10**12), st.integers(1, 1 << 30))
def test_the_chunks_cover_the_file_without_gap_or_overlap(size: int, chunk: int) -> None:
    layout = ChunkLayout(size, max(chunk, size // 1000 + 1))
    spans = [layout.span(index) for index in range(layout.count)]
    assert spans[0][0] == 0
    assert spans[-1][1] == size
    assert all(one[1] == two[0] for one, two in pairwise(spans))


@given(st.dictionaries(st.integers(0, 3), st.integers(0, 30)), st.integers(0, 99), st.integers(1, 100))
def test_a_range_is_written_when_each_byte_is(done: dict[int, int], start: int, length: int) -> None:
    layout, end = ChunkLayout(100, 30), min(start + length, 100)
    done = {index: min(count, layout.length(index)) for index, count in done.items()}
    bytes_ = "".join("x" * done.get(i, 0) + "." * (layout.length(i) - done.get(i, 0)) for i in range(4))
    whole_before = bytes_[start // 30 * 30 : end]  # chunks arrive from their first byte on
    assert layout.is_written(done, start, end) == ("." not in whole_before)


@pytest.mark.parametrize(
    ("lines", "done"),
    [
        ("", {}),
        ("0 10\n0 30\n3 10\n", {0: 30, 3: 10}),
        ("0 10\n1 2", {0: 10}),  # torn
        ("0 30\n0 20\n", {0: 30}),
        ("0 31\n4 1\n-1 5\nx y\n1 2 3\n\n\x00\x00\n2 5\n", {2: 5}),
    ],
)
def test_invalid_lines_of_a_journal_are_ignored(lines: str, done: dict[int, int]) -> None:
    assert read_journal(WANTED.header() + lines, WANTED) == done


@pytest.mark.parametrize(
    "other",
    [
        identity_of("cd" * 32, "", "boot", 100, 30),
        identity_of("ab" * 32, "", "boot", 101, 30),
        identity_of("ab" * 32, "", "boot", 100, 31),
        identity_of("", '"e"', "boot", 100, 30),
    ],
)
def test_a_journal_of_another_file_is_not_used(other: Identity) -> None:
    assert read_journal(other.header() + "0 30\n", WANTED) is None


@pytest.mark.parametrize(
    ("sha256", "etag", "boot", "resumes"),
    [
        ("ab", "", "", True),
        ("", '"e"', "b", True),
        ("", 'W/"e"', "b", False),
        ("", "", "b", False),
        ("", '"e"', "", False),
    ],
)
def test_a_file_without_hash_and_etag_is_not_resumed(sha256: str, etag: str, boot: str, resumes: bool) -> None:
    wanted = identity_of(sha256, etag, boot, 100, 30)
    assert (read_journal(wanted.header() + "0 30\n", wanted) is not None) is resumes


def test_without_a_hash_nothing_is_resumed_after_the_machine_went_down() -> None:
    before, after = identity_of("", '"e"', "boot 1", 100, 30), identity_of("", '"e"', "boot 2", 100, 30)
    assert read_journal(before.header() + "0 30\n", after) is None
