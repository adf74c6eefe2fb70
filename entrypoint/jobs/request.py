"""P: a job's request -> a Job, or every problem of it in a line each.

The shape, with `images` as worker-comfyui has it (github.com/runpod-workers/worker-comfyui, README, "Input"):

    {"workflow": {...}, "inputs": {"cat.png": "data:image/png;base64,..." | {"url": ...} | {"path": ...}},
     "images": [{"name": ..., "image": base64}], "set": {"6.text": "a cat"}, "outputs": ["9"],
     "timeout": 600, "id": ..., "webhook": "https://..."}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from entrypoint.jobs.failure import Failure, JobFailed
from entrypoint.jobs.request_inputs import Input, inputs_of
from entrypoint.settings.destinations import webhook
from entrypoint.workflows.document import LARGEST, plain

#: Seconds a job may run, at most and where the request names no time.
LONGEST_S, DEFAULT_S = 24 * 3600.0, 3600.0
_MOST_PROBLEMS, _LONGEST_ADDRESS = 20, 2048
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A checked request.

    Attributes:
        id: The job's name; the same name is the same job. "": the caller gives it one.
        workflow: Decoded JSON in either format of ComfyUI.
        inputs: Its input files.
        values: Target (`6.text`) -> value.
        outputs: Ids of the nodes whose files are wanted; (): all.
        timeout: Seconds from the request to the result.
        api_key: Comfy.org's key for its paid nodes; it is in no record, and neither is the webhook.
        webhook: Address that gets the job's end by POST.
    """

    id: str = ""
    workflow: Mapping[str, Any]
    inputs: tuple[Input, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    timeout: float = DEFAULT_S
    api_key: str = field(default="", repr=False)
    webhook: str = field(default="", repr=False)


def job_of(content: Any) -> Job:
    """Check a decoded request.

    Raises:
        JobFailed: BadRequest, with every problem.
    """
    if isinstance(content, str):  # worker-comfyui takes the input as text, too
        content = _decoded(content)
    if not isinstance(content, dict):
        raise _refused(["the request must be an object with `workflow`"])
    problems: list[str] = []
    job = Job(
        id=_id(content.get("id"), problems),
        workflow=_workflow(content.get("workflow"), problems),
        inputs=tuple(inputs_of(content, problems)),
        values=_values(content.get("set"), problems),
        outputs=_outputs(content.get("outputs"), problems),
        timeout=_timeout(content.get("timeout"), problems),
        api_key=_key(content, problems),
        webhook=_webhook(content.get("webhook"), problems),
    )
    if problems:
        raise _refused(problems)
    return job


def valid_id(text: Any) -> bool:
    """Whether a job may have this name: a file name everywhere."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def _refused(problems: list[str]) -> JobFailed:
    return JobFailed(Failure("BadRequest", problems[0], "correct the request", tuple(problems[:_MOST_PROBLEMS])))


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _refused(["Invalid JSON format in input"]) from None


def _id(value: Any, problems: list[str]) -> str:
    if value is None or valid_id(value):
        return value or ""
    problems.append("`id` must be 1 to 128 letters, digits, `.`, `_` or `-`, and begin with a letter or digit")
    return ""


def _workflow(value: Any, problems: list[str]) -> Mapping[str, Any]:
    if isinstance(value, str) and len(value) <= LARGEST:
        value = _decoded(value)
    if isinstance(value, dict) and value:
        return value
    problems.append("`workflow` is missing" if value is None else "`workflow` must be an object that is not empty")
    return {}


def _values(value: Any, problems: list[str]) -> Mapping[str, Any]:
    if value is None:
        return {}
    if isinstance(value, dict):
        wrong = [each for each in value if "." not in each]
        problems.extend(f"`set`: {plain(each)!r} is no NODE.INPUT, such as 6.text" for each in wrong)
        return value
    problems.append("`set` must be an object of NODE.INPUT -> value")
    return {}


def _outputs(value: Any, problems: list[str]) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        return tuple(str(each) for each in value)
    problems.append("`outputs` must be a list of node ids")
    return ()


def _timeout(value: Any, problems: list[str]) -> float:
    if value is None:
        return DEFAULT_S
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LONGEST_S:
        return float(value)
    problems.append(f"`timeout` must be seconds, more than 0 and at most {LONGEST_S:.0f}")
    return DEFAULT_S


def _key(content: Mapping[str, Any], problems: list[str]) -> str:
    value = content.get("comfy_org_api_key") or ""  # worker-comfyui's name
    if isinstance(value, str) and value.isprintable():
        return value
    problems.append("`comfy_org_api_key` must be text")
    return ""


def _webhook(value: Any, problems: list[str]) -> str:
    if value is None:
        return ""
    try:
        if isinstance(value, str) and len(value) <= _LONGEST_ADDRESS:
            return webhook(value)
    except ValueError:
        pass
    problems.append(
        f"`webhook` must be an https:// address of up to {_LONGEST_ADDRESS} characters, without a login in it"
    )
    return ""
