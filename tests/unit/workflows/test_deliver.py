"""What is written into ComfyUI's library, and under which name: never over what the user has changed."""

from __future__ import annotations

import pytest

from entrypoint.workflows.deliver import BESIDE, KEEP, WRITE, beside, decide, library_name


@pytest.mark.parametrize(
    ("delivered", "found", "fresh", "expected"),
    [
        ("", None, "a", WRITE),
        ("", "a", "a", KEEP),  # the same file was there before
        ("", "x", "a", BESIDE),  # another workflow of the user's
        ("", "", "a", BESIDE),  # a folder, a link, a file that cannot be read
        ("a", "a", "a", KEEP),
        ("a", "x", "a", KEEP),  # the user has changed it
        ("a", None, "a", KEEP),  # the user has removed it
        ("a", "a", "b", WRITE),  # a newer one, and the user has changed nothing
        ("a", "x", "b", BESIDE),
        ("a", None, "b", WRITE),
        ("a", "b", "b", KEEP),
    ],
)
def test_what_is_done(delivered: str, found: str | None, fresh: str, expected: str) -> None:
    assert decide(delivered, found, fresh) == expected


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("/workspace/my flow.json", "my flow.json"),
        ("https://h/a/b/wan%20i2v.json", "wan i2v.json"),
        ("https://h/a/picture.PNG?x=1#y", "picture.json"),
        ("https://h/", "workflow.json"),
        ("https://h/a/..%2F..%2Fetc%2Fpasswd", "passwd.json"),
        ("https://h/.hidden.json", "hidden.json"),
        ("https://h/-rf.json", "rf.json"),
        ("https://h/" + "x" * 300 + ".json", "x" * 100 + ".json"),
        ("https://h/a%0Ab%1B[2J.json", "a_b_2J.json"),
        ("/w/日本語.json", "日本語.json"),
        ("/w/...", "workflow.json"),
    ],
)
def test_the_name_in_the_library(where: str, name: str) -> None:
    assert library_name(where) == name


def test_a_newer_version_gets_a_free_name() -> None:
    assert beside("w.json", {"w.json"}) == "w (updated).json"
    assert beside("w (updated).json", {"w.json", "w (updated).json"}) == "w (updated 2).json"
