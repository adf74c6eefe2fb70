"""P: a job's request -> a Job, or every problem of it in a line each.

The shape, with `images` as worker-comfyui has it (github.com/runpod-workers/worker-comfyui, README, "Input"):

    {"workflow": {...}, "inputs": {"cat.png": "data:image/png;base64,..." | {"url": ...} | {"path": ...}},
     "images": [{"name": ..., "image": base64}], "set": {"6.text": "a cat"}, "outputs": ["9"],
     "timeout": 600, "id": ...}
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from entrypoint.jobs.failure import Failure, JobFailed
from entrypoint.workflows.document import LARGEST, plain

#: Input files of a job; their bytes together where they come with the request; names are of at most so many bytes.
MOST_INPUTS, MOST_BYTES, _LONGEST_NAME = 64, 64 << 20, 200
#: Seconds a job may run, at most and where the request names no time.
LONGEST_S, DEFAULT_S = 24 * 3600.0, 3600.0
_MOST_PROBLEMS = 20
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
#: How pictures begin, by the ending of their names (the formats that ComfyUI's LoadImage lists).
_PICTURES = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "webp": (b"RIFF",),
    "bmp": (b"BM",),
}


@dataclass(frozen=True, slots=True)
class Input:
    """An input file: `data`, or else where it is (`url`, or `path` in the pod).

    `needed`: whether it must stand in the workflow. Clients of worker-comfyui's send `images` that no node loads.
    """

    name: str
    data: bytes = field(default=b"", repr=False)
    url: str = ""
    path: str = ""
    needed: bool = True


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
        api_key: Comfy.org's key for its paid nodes; it is in no record.
    """

    id: str = ""
    workflow: Mapping[str, Any]
    inputs: tuple[Input, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    timeout: float = DEFAULT_S
    api_key: str = field(default="", repr=False)


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
        inputs=tuple(_inputs(content, problems)),
        values=_values(content.get("set"), problems),
        outputs=_outputs(content.get("outputs"), problems),
        timeout=_timeout(content.get("timeout"), problems),
        api_key=_key(content, problems),
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


def _inputs(content: Mapping[str, Any], problems: list[str]) -> Iterator[Input]:
    own = _pairs(content.get("inputs"), problems)
    pairs = [*own, *_images(content.get("images"), problems)]
    if len(pairs) > MOST_INPUTS:
        problems.append(f"there are {len(pairs)} input files; {MOST_INPUTS} are allowed")
        return
    names, total = set(), 0
    for index, (name, value) in enumerate(pairs):
        if problem := _name_problem(name):
            problems.append(f"input {plain(name)!r}: {problem}")
            continue
        if name in names:
            problems.append(f"input {name!r} is there twice")
            continue
        names.add(name)
        found = _input(name, value, problems)
        if found is None:
            continue
        total += len(found.data)
        if total > MOST_BYTES:
            problems.append(
                f"the input files have more than {MOST_BYTES >> 20} MB together: pass them by `url` or `path`"
            )
            return
        yield found if index < len(own) else replace(found, needed=False)


def _pairs(value: Any, problems: list[str]) -> list[tuple[Any, Any]]:
    if value is None:
        return []
    if isinstance(value, dict):
        return list(value.items())
    problems.append("`inputs` must be an object of file name -> base64, {url} or {path}")
    return []


def _images(value: Any, problems: list[str]) -> list[tuple[Any, Any]]:
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(each, dict) and {"name", "image"} <= each.keys() for each in value):
        return [(each["name"], each["image"]) for each in value]
    problems.append("'images' must be a list of objects with 'name' and 'image' keys")  # worker-comfyui's words
    return []


def _name_problem(name: Any) -> str:
    if not isinstance(name, str) or not name or len(name.encode(errors="replace")) > _LONGEST_NAME:
        return f"its name must be text of 1 to {_LONGEST_NAME} bytes"
    if "/" in name or "\\" in name or name.startswith(".") or not name.isprintable():
        return "its name must be a plain file name"
    return ""


def _input(name: str, value: Any, problems: list[str]) -> Input | None:
    if isinstance(value, dict) and len(value) == 1:
        (kind, text), *_ = value.items()
        if isinstance(text, str) and text:
            if kind == "url":
                return Input(name, url=text)
            if kind == "path":
                return Input(name, path=text)
            value = text if kind == "data" else None
    if not isinstance(value, str):
        problems.append(f"input {name!r} must be base64, {{url}} or {{path}}")
        return None
    text = value.partition(",")[2] if value[:5].lower() == "data:" else value
    if len(text) > MOST_BYTES * 4 // 3 + 4:
        problems.append(f"input {name!r} has more than {MOST_BYTES >> 20} MB: pass it by `url` or `path`")
        return None
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        problems.append(f"input {name!r} is no base64")
        return None
    if problem := content_problem(name, data[:16]):
        problems.append(f"input {name!r} {problem}")
        return None
    return Input(name, data)


def content_problem(name: str, head: bytes) -> str:
    """Why a file that begins with `head` cannot be what its name says; ""."""
    if not head:
        return "is empty"
    starts = _PICTURES.get(name.rpartition(".")[2].lower())
    if starts and not head.startswith(tuple(each for group in _PICTURES.values() for each in group)):
        return "is not a picture"  # one picture format under another's name is read by ComfyUI
    return ""


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
