"""Reading a workflow: what is none, what is too much, and what is wrong in a part."""

from __future__ import annotations

import json
from typing import Any

import pytest

from entrypoint.workflows.document import LARGEST, MOST_NODES, NotAWorkflow, parse, plain
from tests.support.workflows.shapes import graph, node, subgraph


def loops(depth: int) -> dict[str, Any]:
    """Subgraphs, each with two instances of the next: 2 ** depth nodes."""
    inner = [subgraph(f"g{level}", [], node(1, f"g{level + 1}"), node(2, f"g{level + 1}")) for level in range(depth)]
    return graph(node(1, "g0"), subgraphs=[*inner, subgraph(f"g{depth}", [], node(1, "VAELoader", "v.pt"))])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is not JSON"),
        (b"{", "it is not JSON"),
        (b"\xff\xfe\xfa", "it is not JSON"),
        (b"  <!DOCTYPE html><html>", "it is a web page"),
        (b"null", "its JSON is a NoneType"),
        (b"[]", "its JSON is a list"),
        (b"{}", "neither usable `nodes` nor nodes with a `class_type`"),
        (b'{"nodes": 5}', "`nodes` must be a list, not a int"),
        (b'{"nodes": [5, null, {"type": 3}]}', "neither usable `nodes`"),
        (b'{"1": {"class_type": 5}, "2": []}', "neither usable `nodes`"),
        (b'{"prompt": []}', "neither usable `nodes`"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"nodes":[' * 100_000, "nested too deeply"),
        (b'{"nodes":[{"id":' + b"9" * 5000 + b"}]}", "it is not JSON: Exceeds the limit"),
        (b" " * (LARGEST + 1), "it has more than 32 MB"),
        (json.dumps(loops(17)).encode(), f"more than {MOST_NODES} nodes"),
        (json.dumps(graph(node(1, "s"), subgraphs=[subgraph("s", [], node(1, "s"))])).encode(), "more than 100000"),
        (json.dumps(graph(node(1, "s"), subgraphs=[{"id": "s", "nodes": "x"}])).encode(), "must be a list, not a x"),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_what_is_no_workflow_is_said_in_one_line(data: bytes, words: str) -> None:
    with pytest.raises(NotAWorkflow) as caught:
        parse(data)
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


def test_ten_thousand_nodes_are_read() -> None:
    found = parse(json.dumps(graph(*(node(number, "VAELoader", "v.pt") for number in range(10_000)))).encode())
    assert len(found.nodes) == 10_000


def test_the_notes_of_thousands_of_wrong_nodes_are_a_few() -> None:
    found = parse(json.dumps({"nodes": [node(1, "A"), *range(5000)]}).encode())
    assert len(found.nodes) == 1
    assert (len(found.notes), found.notes[-1]) == (21, "and 4980 more of this kind")


@pytest.mark.parametrize("junk", [None, True, -1, 1e308, "x", "\ud800", [], {}, [[]], [None], {"a": {}}])
@pytest.mark.parametrize(
    "key",
    ["id", "mode", "inputs", "widgets_values", "properties", "nodes", "links", "definitions", "inputs.0", "links.0"],
)
def test_a_wrong_type_anywhere_costs_its_part_alone(key: str, junk: Any) -> None:
    """In a node, in the graph, and in a subgraph."""
    inner = subgraph("s", ["a"], node(1, "VAELoader", "v.pt", inputs=[{"widget": {"name": "vae_name"}}]))
    content = graph(node(1, "UNETLoader", "u.pt"), node(2, "s", "w.pt"), subgraphs=[inner])
    name, _, index = key.partition(".")
    for part in (content["nodes"][0], content["nodes"][1], inner, inner["nodes"][0]):
        before = part.get(name)
        part[name] = [junk] if index else junk
        try:
            assert len(parse(json.dumps(content).encode()).nodes) <= 3
        except NotAWorkflow as error:
            assert (name, str(error).isprintable()) == ("nodes", True)  # noqa: PT017 # of a subgraph
        part[name] = before
    content[name] = [junk] if index else junk
    try:
        parse(json.dumps(content).encode())
    except NotAWorkflow:
        assert name == "nodes"


def test_what_is_shown_of_a_workflow_is_printable() -> None:
    assert plain("a\x1b[31m\u202eb\ud800\n") == "a?[31m?b??"
    assert plain("x" * 500) == "x" * 117 + "..."
    assert plain({"a": 1}) == "dict"
