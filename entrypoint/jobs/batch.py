"""A: `podkeeper run`: jobs from a terminal, a script, or as the container's command; returns its exit code."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Mapping
from typing import Any

from entrypoint.jobs.batch_progress import Progress
from entrypoint.jobs.batch_requests import Options, jobs_of
from entrypoint.jobs.deliver import deliver, path_of
from entrypoint.jobs.failure import EX_TEMPFAIL, RETRIED, Failure, JobFailed
from entrypoint.jobs.outcome import kept_files
from entrypoint.jobs.records import Record, Records
from entrypoint.jobs.request import Job
from entrypoint.jobs.run import Runner, Stopped
from entrypoint.jobs.store import Store, is_store, opened
from entrypoint.models.outcome import LATER
from entrypoint.models.report import log
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import write_json
from entrypoint.workflows import commands as workflow_commands


def run(settings: Settings, paths: Paths, given: Options, secrets: Mapping[str, str]) -> int:
    """Run the jobs; returns the exit code (`failure.CODES`): of several that failed, one that asks for another try.

    `secrets`: variables for rclone, where `--out` names a store.
    """
    show = Progress(quiet=given.as_json)
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: stopping.append(number))
    runner = Runner(settings, paths, tell=show.tell, stopped=lambda: bool(stopping), anywhere=True)
    with contextlib.ExitStack() as stack:
        try:
            jobs = jobs_of(settings, given)
            store = stack.enter_context(opened(given.out, secrets)) if is_store(given.out) else None
            if given.fetch:
                _fetch(settings, paths, given.file)
        except JobFailed as error:
            return _failed(Record(given.id or "job"), error.failure, given, show)
        codes = []
        for job in jobs:
            codes.append(_one(runner, paths, job, given, store, show))
            if stopping:
                log(f"run: stopped; the same command with --id {job.id} goes on" if len(jobs) == 1 else "run: stopped")
                codes.append(EX_TEMPFAIL)
                break
    Records(paths).sweep()
    return next((code for code in codes if code in RETRIED), next((code for code in codes if code), 0))


def _one(runner: Runner, paths: Paths, job: Job, given: Options, store: Store | None, show: Progress) -> int:
    record = Record(job.id)
    try:
        record = runner.run(job)
        if record.failure:
            return _failed(record, record.failure, given, show)
        return _delivered(paths, record, given, store, show)
    except JobFailed as error:
        return _failed(record, error.failure, given, show)
    except Stopped:
        show.end()
        return EX_TEMPFAIL
    except OSError as error:
        show.end()
        log(f"run: cannot write {error.filename or 'the record of the job'}: {error.strerror}")
        return EX_TEMPFAIL


def _delivered(paths: Paths, record: Record, given: Options, store: Store | None, show: Progress) -> int:
    files = kept_files(record.files)
    if not files:
        raise JobFailed(Failure("NoOutput", "the workflow ended and kept no file", "add a node that saves its result"))
    if store:
        where = store.deliver(paths, files)
    else:
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


def _failed(record: Record, failure: Failure, given: Options, show: Progress) -> int:
    show.end()
    record.failure = failure
    if not _told_as_json(record.as_json(), given):
        log(f"run: {failure}")
        for each in failure.details[1:]:
            log(f"run:   {each}")
    return failure.code


def _fetch(settings: Settings, paths: Paths, where: str) -> None:
    code = workflow_commands.fetch(settings, paths, where, nodes=True)
    if code:
        name = "InputUnreachable" if code in (LATER, 1) else "ModelMissing"
        raise JobFailed(Failure(name, "what the workflow needs could not be fetched", "see the lines above"))
