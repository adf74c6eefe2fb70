"""nodes.lock, and ComfyUI-Manager's snapshots."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.nodes.lock import BadLock, Locked, NodesLock, needed_packages, read_lock, text_of

LOCK = NodesLock(
    (
        Locked("Clone", "https://example.org/Clone", "0123456789abcdef", packages=("lib",)),
        Locked("unpacked", registry="unpacked", version="1.2.0"),
        Locked("mine.py"),
    ),
    {"lib": "1.0", "other": "2.0+cu128"},
    "0.29.0",
)


def test_a_lock_is_read_as_it_was_written() -> None:
    text = text_of(LOCK)
    assert text.startswith("# Custom nodes")
    read = read_lock(text)
    assert (read.nodes, read.packages) == (LOCK.nodes, LOCK.packages)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_name_and_address_can_be_written(name: str, address: str) -> None:
    text = text_of(NodesLock((Locked(name, address),)))
    if "/" in name or "\0" in name or name[:1] in ("", "."):
        with pytest.raises(BadLock):
            read_lock(text)
    else:
        (node,) = read_lock(text).nodes
        assert (node.name, node.repository) == (name, address)


def test_a_snapshot_of_manager_is_read() -> None:
    snapshot = {
        "comfyui": "0123",
        "git_custom_nodes": {
            "https://example.org/Clone.git": {"hash": "0123456789abcdef", "disabled": False},
            "https://example.org/Off": {"hash": "0123456789abcdef", "disabled": True},
        },
        "cnr_custom_nodes": {"unpacked": "1.2.0"},
        "file_custom_nodes": [{"filename": "mine.py", "disabled": False}],
        "pips": {"lib==1.0": "", "other @ file:///x": "", "-e git+https://x": ""},
    }
    read = read_lock(json.dumps(snapshot))
    assert read.nodes == (
        Locked("Clone", "https://example.org/Clone.git", "0123456789abcdef"),
        Locked("unpacked", registry="unpacked", version="1.2.0"),
    )
    assert read.packages == {"lib": "1.0"}


@pytest.mark.parametrize(
    "text",
    ["", "no toml", "[nodes]", "{}", "{", '{"a": 1}', "[[nodes]]\nname = 3", '[[nodes]]\nname = "../x"',
     '[[nodes]]\nname = ".git"', '[[nodes]]\nname = "a"\ncommit = "--upload-pack=x"', "[" * 5000, "{" + '"a":{' * 5000],
)  # fmt: skip
def test_what_is_no_lock_is_said_in_one_line(text: str) -> None:
    with pytest.raises(BadLock) as raised:
        read_lock(text)
    assert "\n" not in str(raised.value)


def test_the_packages_of_a_requirements_file() -> None:
    text = "# mine\nLib>=1.0  # why\n\n-r other.txt\nother[extra]; python_version > '3'\nx @ git+https://y\nlib\n"
    assert needed_packages(text) == ("lib", "other", "x")
