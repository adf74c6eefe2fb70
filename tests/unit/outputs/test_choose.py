"""What is done with a file, by what is at the destination."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from entrypoint.outputs.choose import Entry, Target, choose

CONTENT = b"0123456789"
TIME = "2026-11-26T06:00:00.123456789Z"


def entry(content: bytes, *algorithms: str, time: str = "") -> Entry:
    hashes = {name: hashlib.new(name, content).hexdigest() for name in algorithms}
    return Entry(len(content), hashes, time)


OURS = entry(CONTENT, "md5", "sha1", "sha256", time=TIME)
SUFFIXED = f"a-{OURS.hashes['sha256'][:8]}.png"


def prefix_hash(algorithm: str, count: int) -> str:
    return hashlib.new(algorithm, CONTENT[:count]).hexdigest() if algorithm in hashlib.algorithms_available else ""


OTHER = entry(b"another..!", "md5", time="2026-11-26T05:00:00Z")
CASES: dict[str, tuple[dict[str, Any], Target | None]] = {
    "nothing there": ({}, Target("a.png", "send")),
    "it is there": ({"a.png": entry(CONTENT, "md5")}, Target("a.png", "there")),
    "hex in capitals": ({"a.png": Entry(10, {"md5": OURS.hashes["md5"].upper()})}, Target("a.png", "there")),
    "another file": ({"a.png": OTHER}, Target(SUFFIXED, "send")),
    "another file, and this one beside it": (
        {"a.png": OTHER, SUFFIXED: entry(CONTENT, "sha1")},
        Target(SUFFIXED, "there"),
    ),
    "both names are another's": ({"a.png": OTHER, SUFFIXED: OTHER}, None),
    "its own beginning": ({"a.png": entry(CONTENT[:4], "md5")}, Target("a.png", "resend")),
    "an empty file": ({"a.png": entry(b"", "sha1")}, Target("a.png", "resend")),
    "a shorter file of another": ({"a.png": entry(b"xx", "md5")}, Target(SUFFIXED, "send")),
    "a shorter file without a hash": ({"a.png": Entry(4, {})}, Target(SUFFIXED, "send")),
    "a longer file": ({"a.png": entry(CONTENT + b"x", "md5")}, Target(SUFFIXED, "send")),
    "no hash, the same second": ({"a.png": entry(CONTENT, time=TIME[:19] + "Z")}, Target("a.png", "there")),
    "no hash, another time": ({"a.png": entry(CONTENT, time="2026-11-26T06:00:01Z")}, Target(SUFFIXED, "send")),
    "no hash, no time": ({"a.png": entry(CONTENT)}, Target(SUFFIXED, "send")),
    "another hash, the very same time": (
        {"a.png": Entry(10, {"md5": "0" * 32}, TIME)},
        Target("a.png", "resend"),
    ),
    "another hash, the same second": (
        {"a.png": Entry(10, {"md5": "0" * 32}, TIME[:19] + "Z")},
        Target(SUFFIXED, "send"),
    ),
    "one of two hashes differs": (
        {"a.png": Entry(10, {"md5": OURS.hashes["md5"], "sha1": "0" * 40})},
        Target(SUFFIXED, "send"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_of_another_file_is_ever_replaced(case: str) -> None:
    there, expected = CASES[case]
    assert choose("a.png", OURS, there, prefix_hash) == expected
