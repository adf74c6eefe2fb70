"""P: the input files of a job's request: `inputs`, and `images` as worker-comfyui has them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from entrypoint.workflows.document import plain

#: Input files of a job; their bytes together where they come with the request; names are of at most so many bytes.
MOST_INPUTS, MOST_BYTES, _LONGEST_NAME = 64, 64 << 20, 200
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


def inputs_of(content: Mapping[str, Any], problems: list[str]) -> Iterator[Input]:
    """The input files of a decoded request; what is wrong is added to the problems."""
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
