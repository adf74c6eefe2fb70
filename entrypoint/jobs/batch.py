"""A: `podkeeper run`: one job from a terminal, a script, or as the container's command; returns its exit code."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from entrypoint.jobs.deliver import deliver, path_of
from entrypoint.jobs.failure import EX_TEMPFAIL, Failure, JobFailed
from entrypoint.jobs.outcome import kept_files
from entrypoint.jobs.records import DONE, RUNNING, Record, Records, new_id
from entrypoint.jobs.request import Job, job_of
from entrypoint.jobs.run import Runner, Stopped
from entrypoint.models.outcome import LATER
from entrypoint.models.report import log
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import write_json
from entrypoint.workflows import commands as workflow_commands
from entrypoint.workflows.document import LARGEST, NotAWorkflow
from entrypoint.workflows.open_workflow import CannotRead, read_workflow

#: Seconds between two lines of progress where no terminal shows a moving one.
_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Options:
    """The command line of `podkeeper run`: `sets` and `inputs` are NAME=VALUE."""

    file: str
    sets: Sequence[str] = ()
    inputs: Sequence[str] = ()
    outputs: str = ""
    out: str = ""
    id: str = ""
    timeout: float = 0.0
    fetch: bool = False
    as_json: bool = False
    result: str = ""


def run(settings: Settings, paths: Paths, given: Options) -> int:
    """Run the job; returns the exit code (`failure.CODES`)."""
    job_id = given.id or new_id()
    show = _Progress(quiet=given.as_json)
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: stopping.append(number))
    record = Record(job_id)
    try:
        job = replace(_job(settings, given), id=job_id)
        if given.fetch:
            _fetch(settings, paths, given.file)
        runner = Runner(settings, paths, tell=show.tell, stopped=lambda: bool(stopping), anywhere=True)
        record = runner.run(job)
        return (
            _failed(record, record.failure, given, show) if record.failure else _delivered(paths, record, given, show)
        )
    except JobFailed as error:
        return _failed(record, error.failure, given, show)
    except Stopped:
        show.end()
        log(f"run: stopped; the same command with --id {job_id} goes on")
        return EX_TEMPFAIL
    except OSError as error:
        show.end()
        log(f"run: cannot write {error.filename or 'the record of the job'}: {error.strerror}")
        return EX_TEMPFAIL
    finally:
        Records(paths).sweep()


def _delivered(paths: Paths, record: Record, given: Options, show: _Progress) -> int:
    files = kept_files(record.files)
    if not files:
        raise JobFailed(Failure("NoOutput", "the workflow ended and kept no file", "add a node that saves its result"))
    where = deliver(paths, record.id, files, given.out) if given.out else [path_of(paths, each) for each in files]
    show.end()
    if _told_as_json(record.as_json() | {"delivered": where}, given):
        return 0
    log(f"run: done in {record.seconds:.1f} s (job {record.id})")
    for path in where:
        print(path, flush=True)
    return 0


def _told_as_json(content: dict[str, Any], given: Options) -> bool:
    if given.result:
        try:
            write_json(given.result, content, durable=True)
        except OSError as error:
            log(f"run: cannot write {given.result}: {error.strerror}")
    if given.as_json:
        print(json.dumps(content, indent=1), flush=True)
    return given.as_json


def _failed(record: Record, failure: Failure, given: Options, show: _Progress) -> int:
    show.end()
    record.failure = failure
    if not _told_as_json(record.as_json(), given):
        log(f"run: {failure}")
        for each in failure.details[1:]:
            log(f"run:   {each}")
    return failure.code


def _job(settings: Settings, given: Options) -> Job:
    request: dict[str, Any] = {
        "workflow": _workflow(settings, given.file),
        "set": dict(_pair(each, "--set") for each in given.sets),
        "inputs": {name: _source(place) for name, place in (_pair(each, "--input") for each in given.inputs)},
    }
    if given.outputs:
        request["outputs"] = [each.strip() for each in given.outputs.split(",")]
    if given.timeout:
        request["timeout"] = given.timeout
    return job_of(request | ({"id": given.id} if given.id else {}))


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


def _fetch(settings: Settings, paths: Paths, where: str) -> None:
    code = workflow_commands.fetch(settings, paths, where, nodes=True)
    if code:
        name = "InputUnreachable" if code in (LATER, 1) else "ModelMissing"
        raise JobFailed(Failure(name, "what the workflow needs could not be fetched", "see the lines above"))


class _Progress:
    """One moving line on a terminal, else a line now and then, on stderr: stdout has the result alone."""

    def __init__(self, *, quiet: bool) -> None:
        self._terminal, self._quiet = sys.stderr.isatty(), quiet
        self._next, self._last, self._state, self._shown = time.monotonic() + 1.0, "", "", False

    def tell(self, record: Record) -> None:
        """Show how far the job is."""
        node = f", node {record.node}" if record.node else ""
        text = f"run: {record.state} {record.share:4.0%}{node}"
        now = time.monotonic()
        news = self._terminal or now >= self._next or (record.state == RUNNING != self._state)
        if self._quiet or record.state == DONE or text == self._last or not news:
            return
        self._next, self._last, self._state = now + _EVERY_S, text, record.state
        if self._terminal:
            self._shown = True
            print(f"\r\033[K{text[:79]}", end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave an empty line behind."""
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
