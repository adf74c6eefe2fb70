"""What is wrong in a workflow is named before it is queued."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.jobs.check import check, leads_out
from entrypoint.jobs.failure import JobFailed

CLASSES = {
    "Load": {"input": {"required": {"ckpt_name": [["a.safetensors"], {}]}}},
    "Loader": {"input": {"required": {"name": ["COMBO", {"options": []}]}}},
    "Image": {"input": {"required": {"image": [["a.png"], {"image_upload": True}]}}},
    "Size": {"input": {"required": {"width": ["INT", {"min": 1, "max": 64}], "how": [["x", "y"], {}],
                                    "more": ["COMFY_AUTOGROW_V3", {}]}}},
    "Save": {"input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING"]}}, "output_node": True},
}  # fmt: skip
SAVE = {"class_type": "Save", "inputs": {"images": ["1", 0], "filename_prefix": "a/b"}}


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("Load", {"ckpt_name": "a.safetensors"}),
        ("Load", {"ckpt_name": ["3", 0]}),
        ("Image", {"image": "jobs/x/new.png"}),
        ("Size", {"width": 64, "how": "y"}),
    ],
)
def test_right(kind: str, inputs: dict[str, Any]) -> None:
    check({"1": {"class_type": kind, "inputs": inputs}, "9": SAVE}, CLASSES, ("9",))


@pytest.mark.parametrize(
    ("kind", "inputs", "name", "words"),
    [
        ("Load", {"ckpt_name": "b.safetensors"}, "ModelMissing", "b.safetensors is not there"),
        ("Loader", {"name": "b.gguf"}, "ModelMissing", "b.gguf is not there"),
        ("Load", {}, "BadValue", "ckpt_name is missing"),
        ("Size", {"width": 0, "how": "y"}, "BadValue", "less than 1"),
        ("Size", {"width": 65, "how": "y"}, "BadValue", "more than 64"),
        ("Size", {"width": "wide", "how": "y"}, "BadValue", "is no number"),
        ("Size", {"width": True, "how": "y"}, "BadValue", "is no number"),
        ("Size", {"width": 1, "how": "z"}, "BadValue", r"none of its values \(x, y\)"),
        ("Image", {"image": "../../etc/passwd"}, "BadValue", "leads out"),
        ("Image", {"image": "/etc/passwd"}, "BadValue", "leads out"),
    ],
)
def test_wrong(kind: str, inputs: dict[str, Any], name: str, words: str) -> None:
    with pytest.raises(JobFailed, match=words) as caught:
        check({"1": {"class_type": kind, "inputs": inputs}, "9": SAVE}, CLASSES)
    assert caught.value.failure.name == name


def test_a_result_is_needed() -> None:
    image = {"class_type": "Image", "inputs": {"image": "a.png"}}
    with pytest.raises(JobFailed, match="keeps a result"):
        check({"1": image}, CLASSES)
    with pytest.raises(JobFailed, match="node 7"):
        check({"1": image, "9": SAVE}, CLASSES, ("7",))
    with pytest.raises(JobFailed, match="leads out"):
        check({"9": SAVE | {"inputs": {"images": ["1", 0], "filename_prefix": "../x"}}}, CLASSES)


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("a/b.png", False),
        ("a..b", False),
        ("../a", True),
        ("a\\..\\b", True),
        ("C:\\a", True),
        ("~/a", True),
        ("a\0b", True),
    ],
)
def test_names_that_lead_out(text: str, out: bool) -> None:
    assert leads_out(text) is out
