"""Values get their names as ComfyUI's page gives them."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.jobs.api_format import api_format, widgets
from entrypoint.jobs.failure import JobFailed


def spec(required: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "input": {"required": required},
        "input_order": {"required": list(required)},
        "display_name": "Shown",
    } | more


CLASSES = {
    "KSampler": spec({
        "model": ["MODEL"], "seed": ["INT", {"default": 0, "control_after_generate": True}],
        "steps": ["INT", {"default": 20}], "sampler_name": [["euler", "dpm"], {}],
    }),
    "LoadImage": spec({"image": [["a.png"], {"image_upload": True}], "mode": ["COMBO", {"options": ["x", "y"]}]}),
    "Resize": spec({
        "how": ["COMFY_DYNAMICCOMBO_V3", {"options": [
            {"key": "size", "inputs": {"required": {"width": ["INT", {"default": 1}],
                                                    "height": ["INT", {"default": 2}]}}},
            {"key": "scale", "inputs": {"required": {"by": ["FLOAT", {"default": 1.0}]}}},
        ]}],
        "crop": ["BOOLEAN", {"default": False}],
    }),
    "Text": spec({"text": ["STRING", {"forceInput": True}], "more": ["STRING", {"default": "d"}]}),
    "Video": spec({"rate": ["FLOAT", {}], "name": ["STRING", {}]}),
    "SaveImage": spec({"images": ["IMAGE"], "filename_prefix": ["STRING", {"default": "ComfyUI"}]}, output_node=True),
}  # fmt: skip


def converted(kind: str, values: Any, inputs: list[Any] | None = None) -> dict[str, Any]:
    node = {"id": 1, "type": kind, "widgets_values": values, "inputs": inputs or []}
    found: dict[str, Any] = api_format({"nodes": [node], "links": []}, CLASSES)["1"]["inputs"]
    return found


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("KSampler", [7, "randomize", 30, "dpm"], {"seed": 7, "steps": 30, "sampler_name": "dpm"}),
        ("KSampler", [7, 30, "dpm"], {"seed": 7, "steps": 30, "sampler_name": "dpm"}),
        ("KSampler", [7], {"seed": 7, "steps": 20, "sampler_name": "euler"}),
        ("LoadImage", ["b.png", "image", "y"], {"image": "b.png", "mode": "y"}),
        ("LoadImage", ["b.png", "y"], {"image": "b.png", "mode": "y"}),
        ("Resize", ["size", 64, 32, True], {"how": "size", "how.width": 64, "how.height": 32, "crop": True}),
        ("Resize", ["scale", 0.5, True], {"how": "scale", "how.by": 0.5, "crop": True}),
        ("Resize", [], {"how": "size", "how.width": 1, "how.height": 2, "crop": False}),
        ("Text", ["m"], {"more": "m"}),
        ("Video", {"rate": 24.0, "name": "v", "page": 1}, {"rate": 24.0, "name": "v"}),
        ("Video", 7, {"rate": 0.0, "name": ""}),
    ],
)
def test_values_get_their_names(kind: str, values: Any, expected: dict[str, Any]) -> None:
    assert converted(kind, values) == expected


def test_a_type_that_the_nodes_page_shows_as_a_widget() -> None:
    classes = {"Own": spec({"curve": ["MY_CURVE", {}], "n": ["INT", {}]})}
    node = {
        "id": 1,
        "type": "Own",
        "widgets_values": ["c", 3],
        "inputs": [{"name": "curve", "widget": {"name": "curve"}}],
    }
    assert api_format({"nodes": [node]}, classes)["1"]["inputs"] == {"curve": "c", "n": 3}


def test_links_and_titles() -> None:
    nodes = [
        {"id": 1, "type": "LoadImage", "widgets_values": ["a.png"], "title": "Mine"},
        {"id": 2, "type": "SaveImage", "widgets_values": ["p"], "inputs": [{"name": "images", "link": 5}]},
    ]
    found = api_format({"nodes": nodes, "links": [[5, 1, 0, 2, 0, "IMAGE"]]}, CLASSES)
    assert found["2"] == {
        "class_type": "SaveImage", "inputs": {"filename_prefix": "p", "images": ["1", 0]}, "_meta": {"title": "Shown"},
    }  # fmt: skip
    assert found["1"]["_meta"] == {"title": "Mine"}


def test_a_value_that_another_input_of_the_subgraph_shares() -> None:
    definition = {
        "id": "S", "inputs": [{"name": "steps"}], "outputs": [],
        "nodes": [
            {"id": 3, "type": "KSampler", "widgets_values": [1, "fixed", 9, "dpm"],
             "inputs": [{"name": "steps", "link": 1, "widget": {"name": "steps"}}]},
            {"id": 4, "type": "Text", "widgets_values": ["m"], "inputs": [{"name": "text", "link": 2}]},
        ],
        "links": [
            {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 3, "target_slot": 0},
            {"id": 2, "origin_id": -10, "origin_slot": 0, "target_id": 4, "target_slot": 0},
        ],
    }  # fmt: skip
    content = {"nodes": [{"id": 1, "type": "S", "inputs": []}], "links": [], "definitions": {"subgraphs": [definition]}}
    found = api_format(content, CLASSES)
    assert (found["1:3"]["inputs"]["steps"], found["1:4"]["inputs"]["text"]) == (9, 9)


def test_the_apis_format_stays_as_it_is() -> None:
    given = {"1": {"class_type": "SaveImage", "inputs": {"images": ["2", 0]}}, "extra": {}}
    assert api_format(given, CLASSES) == {"1": given["1"]}
    assert api_format({"prompt": given}, CLASSES) == {"1": given["1"]}
    assert api_format({"1": {"class_type": "SaveImage", "inputs": 7}}, CLASSES)["1"]["inputs"] == {}


@pytest.mark.parametrize(
    "workflow", [{"1": {"class_type": "Nope"}}, {"nodes": [{"id": 1, "type": "Nope"}]}, {"1": {"class_type": []}}]
)
def test_a_class_that_is_not_there_is_named(workflow: dict[str, Any]) -> None:
    with pytest.raises(JobFailed) as caught:
        api_format(workflow, CLASSES)
    assert caught.value.failure.name == "NodeMissing"
    assert "node 1" in caught.value.failure.reason


def test_neither_format() -> None:
    with pytest.raises(JobFailed, match="neither"):
        api_format({"a": 1}, CLASSES)


def test_widgets_of_a_class_without_an_order() -> None:
    found = widgets({"input": {"required": {"a": ["INT"], "b": [], "c": 7, "d": ["IMAGE"]}}}, {})
    assert [each.name for each in found] == ["a"]
