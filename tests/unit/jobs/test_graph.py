"""The user interface's format: subgraphs unfold, links lead to their sources."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.jobs.failure import JobFailed
from entrypoint.jobs.graph import Source, flatten


def node(key: int, kind: str, inputs: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"id": key, "type": kind, "mode": 0, "inputs": inputs or [], "outputs": [{"type": "IMAGE"}]} | more


def into(name: str, link: int | None, widget: bool = False, kind: str = "IMAGE") -> dict[str, Any]:
    return {"name": name, "type": kind, "link": link} | ({"widget": {"name": name}} if widget else {})


def sources(content: dict[str, Any]) -> dict[str, dict[str, Source]]:
    return {each.id: each.sources for each in flatten(content)}


def test_a_link_leads_to_a_node() -> None:
    content = {"nodes": [node(1, "A"), node(2, "B", [into("image", 7)])], "links": [[7, 1, 0, 2, 0, "IMAGE"]]}
    assert sources(content) == {"1": {}, "2": {"image": Source("1", 0)}}


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        (node(3, "Reroute", [into("", 1)]), Source("1", 0)),
        (node(3, "Skipped", [into("image", 1)], mode=4), Source("1", 0)),
        (node(3, "Skipped", [into("other", 1, kind="MASK")], mode=4), None),
        (node(3, "Muted", [into("image", 1)], mode=2), None),
        (node(3, "PrimitiveNode", widgets_values=[42]), Source(value=42)),
    ],
)
def test_nodes_of_the_page_alone(between: dict[str, Any], expected: Source | None) -> None:
    nodes = [node(1, "A"), between, node(2, "B", [into("image", 2)])]
    links = [[1, 1, 0, 3, 0, "IMAGE"], [2, 3, 0, 2, 0, "IMAGE"]]
    assert sources({"nodes": nodes, "links": links})["2"].get("image") == expected


def test_get_and_set_nodes() -> None:
    nodes = [
        node(1, "A"), node(2, "SetNode", [into("IMAGE", 1)], widgets_values=["x"]),
        node(3, "GetNode", widgets_values=["x"]), node(4, "B", [into("image", 2)]),
    ]  # fmt: skip
    links = [[1, 1, 0, 2, 0, "IMAGE"], [2, 3, 0, 4, 0, "IMAGE"]]
    assert sources({"nodes": nodes, "links": links}) == {"1": {}, "4": {"image": Source("1", 0)}}


def subgraph(instance: dict[str, Any], inner_mode: int = 0) -> dict[str, Any]:
    """A -> instance(S) -> B; in S: input -> C(image, text) -> output."""
    definition = {
        "id": "S", "inputs": [{"name": "image"}, {"name": "text"}], "outputs": [{"name": "IMAGE"}],
        "nodes": [
            node(5, "C", [into("image", 1), into("text", 2, widget=True)], widgets_values=["inner"], mode=inner_mode)
        ],
        "links": [
            {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 5, "target_slot": 0},
            {"id": 2, "origin_id": -10, "origin_slot": 1, "target_id": 5, "target_slot": 1},
            {"id": 3, "origin_id": 5, "origin_slot": 0, "target_id": -20, "target_slot": 0},
        ],
    }  # fmt: skip
    nodes = [
        node(1, "A"),
        node(2, "S", [into("image", 8), into("text", None, widget=True)], **instance),
        node(3, "B", [into("image", 9)]),
    ]
    return {
        "nodes": nodes,
        "links": [[8, 1, 0, 2, 0, ""], [9, 2, 0, 3, 0, ""]],
        "definitions": {"subgraphs": [definition]},
    }


def test_a_subgraph_unfolds() -> None:
    found = sources(subgraph({}))
    assert found["2:5"]["image"] == Source("1", 0)
    assert found["3"]["image"] == Source("2:5", 0)
    assert "text" not in found["2:5"]  # its own widget has the value


@pytest.mark.parametrize(
    "instance",
    [{"widgets_values": ["outer"]}, {"widgets_values": ["outer"], "properties": {"proxyWidgets": [["5", "text"]]}}],
)
def test_an_instances_value_beats_the_inner_one(instance: dict[str, Any]) -> None:
    assert sources(subgraph(instance))["2:5"]["text"] == Source(value="outer")


def test_what_leads_to_a_node_that_does_not_run_is_no_input() -> None:
    assert sources(subgraph({}, inner_mode=2))["3"] == {}
    assert sources(subgraph({"mode": 4}))["3"] == {"image": Source("1", 0)}


def test_a_subgraph_that_holds_itself_is_refused() -> None:
    definition = {"id": "S", "nodes": [node(1, "S"), node(2, "S")], "links": []}
    with pytest.raises(JobFailed, match="hold each other"):
        flatten({"nodes": [node(1, "S")], "definitions": {"subgraphs": [definition]}})


def test_links_in_a_circle_are_refused() -> None:
    nodes = [node(1, "Reroute", [into("", 1)]), node(2, "B", [into("image", 1)])]
    with pytest.raises(JobFailed, match="circle"):
        flatten({"nodes": nodes, "links": [[1, 1, 0, 1, 0, ""]]})


@pytest.mark.parametrize(
    "content",
    [
        {"nodes": [7, {"id": 1, "type": "A", "inputs": 7, "widgets_values": 7}], "links": [7, [1], {"id": "x"}]},
        {"nodes": [node(1, "A", [{"name": 7, "link": [1]}])], "links": {}, "definitions": []},
        {"nodes": [], "definitions": {"subgraphs": [7]}},
    ],
)
def test_wrong_types_are_passed_over(content: dict[str, Any]) -> None:
    flatten(content)
