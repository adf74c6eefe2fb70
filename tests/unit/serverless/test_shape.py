"""worker-comfyui's requests and responses; its own tests' cases among them (tests/test_handler.py of 5.x)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from entrypoint.jobs.failure import Failure
from entrypoint.jobs.records import DONE, FAILED, Record
from entrypoint.serverless.shape import job_id_of, request_of, response_of

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nrest").decode()
WORKFLOW = {"key": "value"}
IMAGES = "'images' must be a list of objects with 'name' and 'image' keys"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"workflow": WORKFLOW}, None),
        ({"workflow": WORKFLOW, "images": [{"name": "image1.png", "image": PNG}]}, None),
        ({"images": [{"name": "image1.png", "image": "base64string"}]}, "Missing 'workflow' parameter"),
        ({"workflow": WORKFLOW, "images": [{"name": "image1.png"}]}, IMAGES),
        ("invalid json", "Invalid JSON format in input"),
        ('{"workflow": {"key": "value"}}', None),
        (None, "Please provide input"),
        ([], "Missing 'workflow' parameter"),
        ({"workflow": WORKFLOW, "images": [{"name": "a.png", "image": "?"}]}, "input 'a.png' is no base64"),
        ({"workflow": WORKFLOW, "timeout": -1}, "`timeout` must be seconds, more than 0 and at most 86400"),
    ],
)  # fmt: skip
def test_inputs(given: Any, error: str | None) -> None:
    request, refused = request_of(given, "job-1")
    assert (refused or {}).get("error") == error
    assert error or (request["id"], request["workflow"]) == ("job-1", WORKFLOW)


def test_a_requests_own_key_beats_the_endpoints() -> None:
    assert request_of({"workflow": WORKFLOW}, "a", "mine")[0]["comfy_org_api_key"] == "mine"
    assert request_of({"workflow": WORKFLOW, "comfy_org_api_key": "its"}, "a", "mine")[0]["comfy_org_api_key"] == "its"


def test_responses() -> None:
    image = {"filename": "a.png", "type": "base64", "data": "x"}
    assert response_of(Record("a", DONE), [image]) == {"images": [image]}
    assert response_of(Record("a", DONE), [image], ["w"]) == {"images": [image], "errors": ["w"]}
    assert response_of(Record("a", DONE), []) == {"status": "success_no_images", "images": []}
    assert response_of(Record("a", DONE), [], ["w"]) == {"error": "Job processing failed", "details": ["w"]}
    failed = response_of(Record("a", FAILED, failure=Failure("NodeFailed", "node 3: why")), [])
    assert (failed["error"], failed["details"], failed["failure"]["retry"]) == ("node 3: why", ["node 3: why"], False)


@pytest.mark.parametrize(
    ("given", "made"), [("sync-1f-e1", "sync-1f-e1"), ("../x y", "x-y"), ("", "job"), ("a" * 200, "a" * 128)]
)
def test_ids(given: str, made: str) -> None:
    assert job_id_of(given) == made
