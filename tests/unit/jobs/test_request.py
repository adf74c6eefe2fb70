"""A request becomes a job, or a line for each problem."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from entrypoint.jobs.failure import JobFailed
from entrypoint.jobs.request import DEFAULT_S, job_of, valid_id
from entrypoint.jobs.request_inputs import MOST_BYTES, MOST_INPUTS, content_problem

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nrest").decode()
WORKFLOW = {"1": {"class_type": "SaveImage", "inputs": {}}}


def test_a_whole_request() -> None:
    job = job_of(
        {
            "id": "a-1", "workflow": WORKFLOW, "set": {"6.text": "a cat"}, "outputs": [9, "10"], "timeout": 5,
            "inputs": {"cat.png": f"data:image/png;base64,{PNG}", "far.mp4": {"url": "https://x.example/a"},
                       "near.wav": {"path": "input/a.wav"}},
            "images": [{"name": "dog.png", "image": PNG}], "comfy_org_api_key": "key",
        }
    )  # fmt: skip
    assert (job.id, job.outputs, job.timeout, job.values) == ("a-1", ("9", "10"), 5.0, {"6.text": "a cat"})
    assert [(each.name, bool(each.data), each.url, each.path) for each in job.inputs] == [
        ("cat.png", True, "", ""), ("far.mp4", False, "https://x.example/a", ""),
        ("near.wav", False, "", "input/a.wav"), ("dog.png", True, "", ""),
    ]  # fmt: skip
    assert [each.needed for each in job.inputs] == [True, True, True, False]
    assert "key" not in repr(job)
    assert job_of(json.dumps({"workflow": WORKFLOW})).timeout == DEFAULT_S


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "must be an object"),
        ([], "must be an object"),
        ("{", "Invalid JSON"),
        ("[" * 100_000, "Invalid JSON"),
        ({}, "`workflow` is missing"),
        ({"workflow": []}, "not empty"),
        ({"workflow": {}}, "not empty"),
        ({"id": "../x"}, "`id` must be"),
        ({"id": 7}, "`id` must be"),
        ({"inputs": []}, "`inputs` must be"),
        ({"inputs": {"../a.png": PNG}}, "plain file name"),
        ({"inputs": {"/etc/a.png": PNG}}, "plain file name"),
        ({"inputs": {".hidden": PNG}}, "plain file name"),
        ({"inputs": {"a\n.png": PNG}}, "plain file name"),
        ({"inputs": {"x" * 300: PNG}}, "1 to 200 bytes"),
        ({"inputs": {"a.png": "?"}}, "no base64"),
        ({"inputs": {"a.png": ""}}, "is empty"),
        ({"inputs": {"a.png": base64.b64encode(b"GIMP").decode()}}, "is not a picture"),
        ({"inputs": {"a.png": 7}}, "must be base64"),
        ({"inputs": {"a.png": {"url": "u", "path": "p"}}}, "must be base64"),
        ({"inputs": {f"{n}.bin": "YQ==" for n in range(MOST_INPUTS + 1)}}, "are allowed"),
        ({"inputs": {"a.png": PNG}, "images": [{"name": "a.png", "image": PNG}]}, "twice"),
        ({"images": [{"name": "a.png"}]}, "'images' must be a list of objects with 'name' and 'image' keys"),
        ({"set": []}, "`set` must be"),
        ({"set": {"text": "x"}}, "no NODE.INPUT"),
        ({"outputs": "9"}, "`outputs` must be"),
        ({"timeout": 0}, "`timeout` must be"),
        ({"timeout": True}, "`timeout` must be"),
        ({"timeout": float("nan")}, "`timeout` must be"),
        ({"comfy_org_api_key": 7}, "must be text"),
    ],
)
def test_a_wrong_request_is_refused(content: Any, words: str) -> None:
    if isinstance(content, dict) and content and "workflow" not in content:
        content = {"workflow": WORKFLOW} | content
    with pytest.raises(JobFailed) as caught:
        job_of(content)
    assert caught.value.failure.name == "BadRequest"
    assert any(words in each for each in caught.value.failure.details), caught.value.failure


def test_every_problem_is_named() -> None:
    with pytest.raises(JobFailed) as caught:
        job_of({"workflow": [], "id": "/", "timeout": -1})
    assert len(caught.value.failure.details) == 3


def test_100_mb_of_base64_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(JobFailed, match="more than 64 MB"):
        job_of({"workflow": WORKFLOW, "inputs": {"a.bin": "A" * (MOST_BYTES * 4 // 3 + 8)}})


def test_a_picture_under_another_formats_name_is_one() -> None:
    assert content_problem("a.jpg", b"\x89PNG\r\n\x1a\n") == ""
    assert content_problem("a.safetensors", b"anything") == ""


@pytest.mark.parametrize(
    ("text", "good"),
    [("a", True), ("a" * 128, True), ("a" * 129, False), ("", False), (".a", False), ("a/b", False), (None, False)],
)
def test_ids(text: Any, good: bool) -> None:
    assert valid_id(text) is good
