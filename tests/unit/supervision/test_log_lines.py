"""Lines of a log file as they are forwarded to stdout."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.supervision.log_lines import LONGEST_WRITE, LineSplitter, batches


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([b"one\ntwo\n"], [b"one", b"two"]),
        ([b"on", b"e\ntw", b"o\n"], [b"one", b"two"]),
        ([b"windows\r\n"], [b"windows"]),
        ([b" 10%|#   |\r 50%|##  |\r100%|####|\n"], [b"100%|####|"]),
        ([b"no end"], []),
        ([b"\n"], [b""]),
        ([b""], []),
    ],
)
def test_whole_lines_get_the_name_of_their_service(chunks: list[bytes], lines: list[bytes]) -> None:
    splitter = LineSplitter("jupyter")
    found = [line for chunk in chunks for line in splitter.feed(chunk)]
    assert found == [b"jupyter  | " + line + b"\n" for line in lines]


def test_an_unfinished_line_is_flushed_at_the_end() -> None:
    splitter = LineSplitter("pod")
    splitter.feed(b"no end")
    assert splitter.flush() == [b"pod      | no end\n"]
    assert splitter.flush() == []


@given(st.lists(st.binary(max_size=9000), max_size=8))
def test_memory_and_writes_are_bounded_for_any_input(chunks: list[bytes]) -> None:
    splitter = LineSplitter("comfyui")
    lines = [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.flush()
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    assert all(len(batch) <= LONGEST_WRITE for batch in batches(lines))
    assert b"".join(batches(lines)) == b"".join(lines)
