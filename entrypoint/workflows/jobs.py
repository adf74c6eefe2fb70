"""A: jobs of the program `workflows`, which the status server asks for: what of a planned workflow to install.

`<runtime>/reports/workflow-plans/<id>.workflow` is a workflow that was planned, `<id>.plan` its plan; the id is the
workflow's SHA-256. `<runtime>/reports/workflow-jobs/<id>.json` is a job, beside it the workflow as `<id>.workflow`. A
job outlives a restart of the status server and of the program, and is removed once it has ended.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_table, write_atomically, write_json
from entrypoint.workflows.document import plain

#: Plans that are kept, and jobs that may wait.
MOST_PLANS, MOST_JOBS = 8, 20
_PLAN_ID, _JOB_ID = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9]{20}-[0-9a-f]{8}")


class TooMany(Exception):
    """No further job is taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to install.

    `workflow`: the path of the workflow; `models`: files of it by their destination (`vae/x.safetensors`); `nodes`:
    node packs by what `podkeeper nodes install` takes.
    """

    id: str
    title: str
    workflow: str
    models: frozenset[str]
    nodes: frozenset[str]


def keep_plan(paths: Paths, workflow: bytes, plan: bytes) -> str:
    """Keep a workflow and its plan for a while; returns their id. Raises OSError."""
    folder, name = _plans(paths), hashlib.sha256(workflow).hexdigest()
    os.makedirs(folder, mode=0o700, exist_ok=True)
    write_atomically(f"{folder}/{name}.workflow", workflow, 0o600, durable=False)
    write_atomically(f"{folder}/{name}.plan", plan, 0o600, durable=False)
    _remove_old(folder)
    return name


def planned(paths: Paths, plan_id: str) -> dict[str, Any]:
    """A plan that was kept, or {}."""
    return read_table(f"{_plans(paths)}/{plan_id}.plan") if _PLAN_ID.fullmatch(plan_id) else {}


def add_job(paths: Paths, plan_id: str, title: str, models: Iterable[str], nodes: Iterable[str]) -> str:
    """Ask for a job; returns its id. Raises OSError: the plan is gone, or cannot be read; TooMany."""
    if len(waiting_jobs(paths)) >= MOST_JOBS:
        raise TooMany(f"{MOST_JOBS} downloads are waiting already")
    folder, name = _jobs(paths), f"{time.time_ns():020d}-{os.urandom(4).hex()}"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    os.link(f"{_plans(paths)}/{plan_id}.workflow", f"{folder}/{name}.workflow")  # the plan's file may go meanwhile
    content = {"title": plain(title, 200), "models": sorted(models), "nodes": sorted(nodes)}
    write_json(f"{folder}/{name}.json", content, 0o600)
    return name


def waiting_jobs(paths: Paths) -> list[Job]:
    """The jobs that have not ended, the oldest first."""
    folder = _jobs(paths)
    try:
        names = sorted(name.removesuffix(".json") for name in os.listdir(folder) if name.endswith(".json"))
    except OSError:
        return []
    return [_job(folder, name) for name in names if _JOB_ID.fullmatch(name)]


def remove_job(paths: Paths, job: str) -> None:
    """Forget a job."""
    if _JOB_ID.fullmatch(job):
        for ending in ("json", "workflow"):
            with contextlib.suppress(OSError):
                os.unlink(f"{_jobs(paths)}/{job}.{ending}")


def _job(folder: str, name: str) -> Job:
    content = read_table(f"{folder}/{name}.json")
    title = content.get("title")
    return Job(
        id=name,
        title=plain(title, 200) if isinstance(title, str) else "",
        workflow=f"{folder}/{name}.workflow",
        models=_words(content.get("models")),
        nodes=_words(content.get("nodes")),
    )


def _words(value: Any) -> frozenset[str]:
    found: Collection[Any] = value if isinstance(value, list) else ()
    return frozenset(each for each in found if isinstance(each, str))


def _remove_old(folder: str) -> None:
    """Remove all plans but the newest ones."""
    files = [f"{folder}/{name}" for name in os.listdir(folder)]
    for path in sorted(files, key=os.path.getmtime, reverse=True)[2 * MOST_PLANS :]:
        with contextlib.suppress(OSError):
            os.unlink(path)


def _plans(paths: Paths) -> str:
    return f"{paths.reports}/workflow-plans"


def _jobs(paths: Paths) -> str:
    return f"{paths.reports}/workflow-jobs"
