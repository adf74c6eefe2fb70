"""A: one run from its start to its exit code: signals, the last lines, the condition."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from entrypoint.conditions.condition import Condition
from entrypoint.models.bundle_requests import forget
from entrypoint.models.catalogue.wanted import Errand
from entrypoint.models.job import DONE, LATER, Ending, Job
from entrypoint.models.report import say
from entrypoint.models.store import Shelf
from entrypoint.models.transport.response_rules import DiskTrouble
from entrypoint.models.worker import CONDITION
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.volume_policy import umask_for
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.privileges import own_identity, service_identity_of


def new_job(settings: Settings, paths: Paths, errand: Errand) -> Job:
    """A job whose files belong to whoever runs the services."""
    service = service_identity_of(settings)
    owner = None if service == own_identity() else (service.uid, service.gid)
    return Job(settings, paths, os.environ, Shelf(paths.data, paths.kept_secrets, owner), errand)


def fetch(settings: Settings, paths: Paths, errand: Errand) -> Ending:
    """Fetch; the last lines name every failure, and so does the condition."""
    os.umask(umask_for(settings.volume_policy, settings.umask))
    job = new_job(settings, paths, errand)
    ending = asyncio.run(_run(job, fetch=True))
    _tell(ending)
    forget(paths, job.complete())
    if ending.code == DONE:
        say("models: complete")
    if errand.whole:
        _record(ending, paths.runtime)
    return ending


def plan(settings: Settings, paths: Paths, errand: Errand) -> int:
    """Tell what would be fetched. Returns the exit code."""
    ending = asyncio.run(_run(new_job(settings, paths, errand), fetch=False))
    _tell(ending)
    return ending.code


def _tell(ending: Ending) -> None:
    for text in ending.problems:
        say(text)


def _record(ending: Ending, runtime: str) -> None:
    if ending.code == DONE:
        clear_condition(runtime, CONDITION)
        return
    more = len(ending.problems) - 1
    reason = ending.problems[0] + (f" (and {more} more lines in the models log)" if more else "")
    raise_condition(runtime, Condition(CONDITION, reason, ending.remedy))


async def _run(job: Job, *, fetch: bool) -> Ending:
    loop, running = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)  # type: ignore[union-attr]
    try:
        return await job.run(fetch=fetch, terminal=fetch and sys.stdout.isatty())
    except asyncio.CancelledError:
        stopped = "models: stopped; what has arrived is kept"
        return Ending(LATER, (stopped,), "start it again: podkeeper start models")
    except DiskTrouble as trouble:
        return Ending(LATER, (str(trouble),), trouble.remedy)
