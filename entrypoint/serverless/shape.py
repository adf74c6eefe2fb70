"""P: worker-comfyui's requests and responses (github.com/runpod-workers/worker-comfyui 5.x, README and handler.py).

Its clients work unchanged: the same errors for a wrong input, `images` with base64 or an address, `errors` for
warnings, `{"error", "details"}` for a job that failed. What is more here: other files than pictures are in the list,
too, and a failure has `failure` with its name and whether another try can help.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from entrypoint.jobs.failure import JobFailed
from entrypoint.jobs.records import FAILED, Record
from entrypoint.jobs.request import job_of

#: What the user of the endpoint may set beside worker-comfyui's own keys.
_OURS = ("inputs", "set", "outputs", "timeout")


def request_of(given: Any, job_id: str, api_key: str = "") -> tuple[dict[str, Any], dict[str, Any] | None]:
    """A job's `input` -> the request for `jobs`, and the response where it is refused (worker-comfyui's words).

    `api_key`: COMFY_ORG_API_KEY, which a request's own key beats.
    """
    if given is None:
        return {}, {"error": "Please provide input"}
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return {}, {"error": "Invalid JSON format in input"}
    if not isinstance(given, dict) or given.get("workflow") is None:
        return {}, {"error": "Missing 'workflow' parameter"}
    images = given.get("images")
    if images is not None and not (isinstance(images, list) and all(map(_is_image, images))):
        return {}, {"error": "'images' must be a list of objects with 'name' and 'image' keys"}
    request = {name: given[name] for name in ("workflow", "images", *_OURS) if given.get(name) is not None}
    if key := given.get("comfy_org_api_key") or api_key:
        request["comfy_org_api_key"] = key
    request["id"] = job_id
    try:
        job_of(request)
    except JobFailed as error:
        return {}, {"error": error.failure.reason, "details": list(error.failure.details)}
    return request, None


def _is_image(each: Any) -> bool:
    return isinstance(each, dict) and {"name", "image"} <= each.keys()


def response_of(record: Record, images: Iterable[Mapping[str, str]], errors: Iterable[str] = ()) -> dict[str, Any]:
    """The response to a job that has ended. `images`: its files; `errors`: those that could not be read or uploaded."""
    listed, problems = list(images), list(errors)
    if record.state == FAILED and record.failure:
        details = list(record.failure.details) or [record.failure.reason]
        return {"error": f"{record.failure.reason}", "details": details, "failure": record.failure.as_json()}
    if not listed and problems:
        return {"error": "Job processing failed", "details": problems}
    if not listed:
        return {"status": "success_no_images", "images": []}
    return {"images": listed} | ({"errors": problems} if problems else {})


def job_id_of(runpod_id: str) -> str:
    """RunPod's id of a job as one of ours: its own form is letters, digits and dashes."""
    kept = "".join(each if each.isascii() and (each.isalnum() or each in "._-") else "-" for each in runpod_id)
    return kept[:128].lstrip("._-") or "job"
