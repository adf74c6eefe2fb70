"""The files of `podkeeper export`."""

from __future__ import annotations

import json

import pytest

from entrypoint.nodes.export_files import ComfyUI, Export, Package, files_of, readme_text, requirements_text
from entrypoint.nodes.lock import Locked, NodesLock, read_lock

NODES = (
    Locked("Clone", "https://example.org/Clone", "0123456789abcdef", packages=("lib",)),
    Locked("unpacked", registry="unpacked", version="1.2.0"),
    Locked("mine.py"),
    Locked("folder"),
)
PACKAGES = (
    Package("lib", "1.0"),
    Package("tool", "0.1", "git+https://example.org/tool@0123456789abcdef"),
    Package("local", "2.0", why_not="it was installed from /x, which only this pod has"),
)
EXPORT = Export(
    ComfyUI("0.29.0", "a8c44f9b2a06", "https://example.org/ComfyUI", "manager_requirements.txt"),
    NodesLock(NODES, {"lib": "1.0"}, "0.29.0"), PACKAGES, {"https://example.org/Off": "fedcba9876543210"},
    {"Bad": "No module named 'x'"}, "/comfyui",
)  # fmt: skip


def test_requirements_are_pins_and_addresses() -> None:
    lines = requirements_text(PACKAGES).splitlines()
    assert lines[1:] == [
        "lib==1.0",
        "# local==2.0: it was installed from /x, which only this pod has",
        "tool @ git+https://example.org/tool@0123456789abcdef",
    ]


def test_the_snapshot_is_one_of_managers() -> None:
    """The keys and shapes of manager_core.py's get_current_snapshot."""
    assert json.loads(files_of(EXPORT)["snapshot.json"]) == {
        "comfyui": "a8c44f9b2a06",
        "git_custom_nodes": {
            "https://example.org/Clone": {"hash": "0123456789abcdef", "disabled": False},
            "https://example.org/Off": {"hash": "fedcba9876543210", "disabled": True},
        },
        "cnr_custom_nodes": {"unpacked": "1.2.0"},
        "file_custom_nodes": [{"filename": "mine.py", "disabled": False}],
        "pips": {"lib==1.0": "", "tool": "git+https://example.org/tool@0123456789abcdef"},
    }


def test_a_node_that_is_on_beats_one_of_the_same_address_that_is_off() -> None:
    off = Export(ComfyUI(), NodesLock(NODES[:1]), (), {"https://example.org/Clone": "f" * 40})
    (clone,) = json.loads(files_of(off)["snapshot.json"])["git_custom_nodes"].values()
    assert clone == {"hash": "0123456789abcdef", "disabled": False}


def test_the_lock_and_the_snapshot_name_the_same_nodes() -> None:
    files = files_of(EXPORT)
    lock, snapshot = read_lock(files["nodes.lock"]), read_lock(files["snapshot.json"])
    assert lock.nodes == NODES
    assert [(each.name, each.commit, each.version) for each in snapshot.nodes] == [
        (each.name, each.commit, each.version) for each in NODES[:2]
    ]
    assert lock.packages == snapshot.packages == {"lib": "1.0"}


@pytest.mark.parametrize(
    ("comfyui", "words"),
    [
        (EXPORT.comfyui, "git clone https://example.org/ComfyUI && git -C ComfyUI checkout a8c44f9b2a06\n"),
        (EXPORT.comfyui, "ComfyUI 0.29.0 (tag v0.29.0, commit a8c44f9b2a06)"),
        (EXPORT.comfyui, "-r ComfyUI/manager_requirements.txt -r export/requirements.txt"),
        (ComfyUI("0.29.0"), "git clone https://github.com/comfyanonymous/ComfyUI && git -C ComfyUI checkout v0.29.0\n"),
        (ComfyUI(), "git clone https://github.com/comfyanonymous/ComfyUI\n"),
        (ComfyUI(), "comfyui-manager -r export/requirements.txt"),
        (EXPORT.comfyui, "COMFYUI_PATH=.. cm-cli restore-snapshot ../../export/snapshot.json;"),
        (EXPORT.comfyui, "by hand, which have no source: mine.py, folder"),
        (EXPORT.comfyui, "Bad: No module named 'x'"),
        (EXPORT.comfyui, "--base-directory /comfyui"),
    ],
)
def test_the_readme_says_how_to_restore_it(comfyui: ComfyUI, words: str) -> None:
    text = readme_text(Export(comfyui, EXPORT.nodes, PACKAGES, EXPORT.off, EXPORT.left_out, EXPORT.data))
    assert words in text
    assert max(map(len, text.splitlines())) <= 130
    assert len([line for line in text.splitlines() if line.startswith("    ") and "Bad" not in line]) == 4
