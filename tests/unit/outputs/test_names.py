"""Which files are outputs, and their names at the destination."""

from __future__ import annotations

import pytest

from entrypoint.outputs.names import is_output, output_folder, suffixed, why_not_sendable


@pytest.mark.parametrize(
    ("name", "counts"),
    [("a_00001_.png", True), ("a.tmp.png", True), (".ipynb_checkpoints", False), (".hidden.png", False),
     ("a.png.TMP", False), ("a.mp4.part", False), ("a.partial", False), ("a~", False)],
)  # fmt: skip
def test_hidden_and_temporary_files_are_no_outputs(name: str, counts: bool) -> None:
    assert is_output(name) is counts


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.png", "a-0123abcd.png"), ("v/a.b.mp4", "v/a.b-0123abcd.mp4"), ("v.1/a", "v.1/a-0123abcd")],
)
def test_a_taken_name_gets_the_beginning_of_the_files_hash(name: str, expected: str) -> None:
    assert suffixed(name, "0123abcdef") == expected


@pytest.mark.parametrize(
    ("name", "words"),
    [("a/b c.png", ""), ("a\nb", "line break"), ("a\udc80", "UTF-8"), ("x" * 1000, "too long"), ("\u732b" * 300, ""),
     ("\u732b" * 301, "too long")],
)  # fmt: skip
def test_a_name_that_cannot_be_sent_says_why(name: str, words: str) -> None:
    found = why_not_sendable(name)
    assert words in found
    assert bool(words) == bool(found)


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [((), "/d/output"), (("--output-directory", "/x"), "/x"), (("--output-directory=/x",), "/x"),
     (("--output-directory", "x"), "/d/x"), (("--output-directory",), "/d/output")],
)  # fmt: skip
def test_the_output_folder_is_comfyuis(arguments: tuple[str, ...], folder: str) -> None:
    assert output_folder("/d", arguments) == folder
