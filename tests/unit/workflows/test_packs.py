"""Which node packs are installed."""

from __future__ import annotations

import pytest

from entrypoint.nodes.inventory import FAILED, LEFT_OUT, LOADED, NEW, OFF, Node
from entrypoint.nodes.origin import Origin
from entrypoint.nodes.source import parse_wanted
from entrypoint.workflows.needed import Pack
from entrypoint.workflows.packs import is_same, state_of
from entrypoint.workflows.plan import INSTALLED, MISSING, NO_ADDRESS, REFUSED, UNKNOWN

COMMIT = "0123abc"


def installed(name: str, state: str = LOADED, repository: str = "", registry: str = "") -> Node:
    return Node(name, f"/n/{name}", state, "broken" if state == FAILED else "", Origin(repository, "", registry))


@pytest.mark.parametrize(
    ("pack", "node", "same"),
    [
        (Pack("comfyui-gguf"), installed("ComfyUI-GGUF"), True),
        (Pack("comfyui-gguf"), installed("gguf", registry="ComfyUI-GGUF"), True),
        (Pack("comfyui-gguf"), installed("comfyui-gguf@1.1.0", OFF), True),
        (Pack("comfyui-gguf"), installed("comfyui-gguf.disabled", OFF), True),
        (Pack("comfyui-gguf"), installed("my-gguf", repository="https://github.com/city96/ComfyUI-GGUF.git"), True),
        (Pack("comfyui-gguf"), installed("other"), False),
        (Pack("", "kijai/KJ"), installed("KJ", repository="https://github.com/Kijai/KJ"), True),
        (Pack("", "kijai/KJ"), installed("KJ", repository="https://github.com/fork/KJ"), False),
        (Pack("", "kijai/KJ"), installed("KJ"), True),
        (Pack("", "kijai/KJ"), installed("J"), False),
    ],
)
def test_a_node_of_the_inventory_is_the_pack(pack: Pack, node: Node, same: bool) -> None:
    assert is_same(pack, node) is same


@pytest.mark.parametrize(
    ("pack", "nodes", "classes", "state", "wanted", "words"),
    [
        (Pack("x", kinds={"A"}), [], None, MISSING, "x", ""),
        (Pack("x", version="1.2", kinds={"A"}), [], None, MISSING, "x@1.2", ""),
        (Pack("x", "o/n", COMMIT, kinds={"A"}), [], None, MISSING, f"x@{COMMIT}", ""),
        (Pack("", "o/n", COMMIT, kinds={"A"}), [], None, MISSING, f"o/n@{COMMIT}", ""),
        (Pack("", "o/n", "1.2", kinds={"A"}), [], None, MISSING, "o/n", ""),
        (Pack("x", kinds={"A"}), [], {"A"}, INSTALLED, "", ""),
        (Pack("x", kinds={"A"}), [installed("x")], None, INSTALLED, "", ""),
        (Pack("x", kinds={"A", "B"}), [installed("x")], {"A"}, INSTALLED, "", "ComfyUI has no B: drawn by the browser"),
        (Pack("x", kinds={"A"}), [installed("x", NEW)], set(), INSTALLED, "", "podkeeper restart comfyui"),
        (Pack("x", kinds={"A"}), [installed("x", FAILED)], set(), REFUSED, "", "x is failed: broken; podkeeper nodes"),
        (Pack("x", kinds={"A"}), [installed("x", LEFT_OUT)], set(), REFUSED, "", "podkeeper nodes try x"),
        (Pack("x", kinds={"A"}), [installed("x", OFF)], set(), REFUSED, "", "x is off; switch it on"),
        (Pack("x", kinds={"A"}), [installed("x", OFF), installed("X")], None, INSTALLED, "", ""),
        (Pack("x", kinds={"A"}, problem="bad"), [], None, REFUSED, "", "bad"),
        (Pack("comfy-core", kinds={"Core"}), [], None, INSTALLED, "", ""),
        (Pack("comfy-core", version="9.9", kinds={"New"}), [], None, NO_ADDRESS, "", "no New (it was saved by 9.9)"),
        (Pack(kinds={"Core"}), [], None, INSTALLED, "", ""),
        (Pack(kinds={"A"}), [], None, UNKNOWN, "", "ComfyUI does not run"),
        (Pack(kinds={"A"}), [], {"B"}, NO_ADDRESS, "", "no installed node has it"),
        (Pack(kinds={"A"}), [], {"A"}, INSTALLED, "", ""),
    ],
)  # fmt: skip
def test_states(
    pack: Pack, nodes: list[Node], classes: set[str] | None, state: str, wanted: str, words: str
) -> None:  # fmt: skip
    found = state_of(pack, nodes, classes, {"Core"})
    assert (found.state, found.wanted) == (state, wanted)
    assert words in found.note
    assert bool(words) == bool(found.note)
    if wanted:
        parse_wanted(wanted)


def test_without_comfyui_its_own_classes_are_not_checked() -> None:
    assert state_of(Pack("comfy-core", kinds={"A"}), [], None, ()).state == UNKNOWN
