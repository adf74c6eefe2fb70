"""A: the command line of `podkeeper run` -> its jobs: one, or one for each line of a list."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from entrypoint.jobs.failure import Failure, JobFailed
from entrypoint.jobs.records import new_id
from entrypoint.jobs.request import Job, job_of
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_bytes
from entrypoint.workflows.document import LARGEST, NotAWorkflow
from entrypoint.workflows.open_workflow import CannotRead, read_workflow

#: Keys of a line of a list.
_KEYS = ("id", "set", "inputs", "outputs", "timeout")


@dataclass(frozen=True, slots=True)
class Options:
    """The command line of `podkeeper run`: `sets` and `inputs` are NAME=VALUE; `index`: of the list's line; -1: all."""

    file: str
    sets: Sequence[str] = ()
    inputs: Sequence[str] = ()
    outputs: str = ""
    out: str = ""
    id: str = ""
    timeout: float = 0.0
    list: str = ""
    index: int = -1
    fetch: bool = False
    as_json: bool = False
    result: str = ""


def jobs_of(settings: Settings, given: Options) -> list[Job]:
    """The jobs, each with an id. Raises JobFailed."""
    request: dict[str, Any] = {
        "workflow": _workflow(settings, given.file),
        "set": dict(_pair(each, "--set") for each in given.sets),
        "inputs": {name: _source(place) for name, place in (_pair(each, "--input") for each in given.inputs)},
    }
    if given.outputs:
        request["outputs"] = [each.strip() for each in given.outputs.split(",")]
    if given.timeout:
        request["timeout"] = given.timeout
    if not given.list:
        return [replace(job_of(request), id=given.id or new_id())]
    return [
        _with_line(request, line, f"{given.id}-{number}" if given.id else new_id())
        for number, line in enumerate(_lines(given.list))
        if given.index in (-1, number)
    ] or _none(given)


def _none(given: Options) -> list[Job]:
    raise JobFailed(Failure("BadRequest", f"{given.list} has no line {max(given.index, 0)}", "lines count from 0"))


def _with_line(request: Mapping[str, Any], line: Mapping[str, Any], job_id: str) -> Job:
    made = dict(request)
    for key in ("set", "inputs"):
        if isinstance(line.get(key), dict):
            own = {name: _source(text) if key == "inputs" and isinstance(text, str) else text
                   for name, text in line[key].items()}  # fmt: skip
            made[key] = request[key] | own
    made |= {key: line[key] for key in ("outputs", "timeout", "id") if key in line}
    job = job_of(made)
    return job if job.id else replace(job, id=job_id)


def _lines(path: str) -> list[Mapping[str, Any]]:
    try:
        text = read_bytes(path).decode()
        lines = [json.loads(each) for each in text.splitlines() if each.strip()]
    except (OSError, ValueError, RecursionError) as error:
        words = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
        raise JobFailed(Failure("BadRequest", f"cannot read --list {path}: {words}", "JSON lines")) from None
    for number, line in enumerate(lines):
        wrong = set(line) - set(_KEYS) if isinstance(line, dict) else {"no object"}
        if wrong:
            reason = f"line {number} of {path}: {', '.join(sorted(wrong))}"
            raise JobFailed(Failure("BadRequest", reason, f"an object with some of {', '.join(_KEYS)}"))
    return lines


def _workflow(settings: Settings, where: str) -> Any:
    try:
        data = asyncio.run(read_workflow(settings, where))
        return json.loads(data) if len(data) <= LARGEST else None
    except (NotAWorkflow, CannotRead) as error:
        raise JobFailed(Failure("BadWorkflow", f"cannot read the workflow: {error}", "name another file")) from None
    except (ValueError, RecursionError) as error:
        words = " ".join(str(error).split())[:200]
        raise JobFailed(Failure("BadWorkflow", f"the workflow is not JSON: {words}", "name another file")) from None


def _pair(text: str, option: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise JobFailed(
            Failure("BadRequest", f"{option} {text!r} is no NAME=VALUE", "for example --set 6.text='a cat'")
        )
    return name, value


def _source(place: str) -> Any:
    """A file of this machine goes along as base64 would: read here, so that it may lie anywhere."""
    if place.startswith(("http://", "https://")):
        return {"url": place}
    return {"path": os.path.abspath(place)}
