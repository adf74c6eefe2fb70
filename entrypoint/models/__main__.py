"""A: `python -I -m entrypoint.models [list|plan|fetch|verify]`; without a word, the one-shot under supervisord.

The one-shot waits until the services are up, then fetches as the last in the queue for processor and disk. Exit
codes: 0 all is there; 1 something can't be had; 2 settings or manifest can't be used; 3 what was asked for does
not fit; 75 a later run may get it (supervisord starts it again, and it goes on where it was).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

from entrypoint.ask import is_up
from entrypoint.condition_store import clear_condition, raise_condition, read_conditions
from entrypoint.conditions import Condition
from entrypoint.models.answers import DiskTrouble
from entrypoint.models.commands import show, verify
from entrypoint.models.job import DONE, LATER, Ending, Job
from entrypoint.models.reporter import say
from entrypoint.models.shelf import Shelf
from entrypoint.paths import Paths
from entrypoint.services import SERVICES
from entrypoint.settings import BadSettings, Settings
from entrypoint.volumes.identity import own_identity
from entrypoint.volumes.owner import umask_for
from entrypoint.volumes.quietly import be_quiet
from entrypoint.volumes.service import service_of

CONDITION = "ModelsIncomplete"
USAGE = "usage: podkeeper models list|plan|fetch|verify"
EX_USAGE, EX_CONFIG = 64, 78
_LOOK_EVERY_S = 1.0


def main(arguments: list[str]) -> int:
    """Do what is asked; returns the exit code."""
    verb = arguments[0] if arguments else "background"
    if verb not in ("background", "list", "plan", "fetch", "verify") or len(arguments) > 1:
        print(USAGE, file=sys.stderr)
        return EX_USAGE
    try:
        settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    except BadSettings as error:
        say("\n".join(error.problems))
        return EX_CONFIG
    job = Job(settings, paths, os.environ, _shelf(settings, paths))
    if verb == "list":
        return asyncio.run(show(job))
    if verb == "verify":
        return asyncio.run(verify(job))
    os.umask(umask_for(settings.volume_policy, settings.umask))
    if verb == "background":
        if settings.models == "none":
            clear_condition(paths.runtime, CONDITION)
            say("models: MODELS=none, nothing is fetched")
            return DONE
        be_quiet()
        _wait_for_services(settings, paths)
    return _told(asyncio.run(_run(job, verb)), paths.runtime, verb)


async def _run(job: Job, verb: str) -> Ending:
    loop, running = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)  # type: ignore[union-attr]
    try:
        return await job.run(fetch=verb != "plan", terminal=verb == "fetch" and sys.stdout.isatty())
    except asyncio.CancelledError:
        return Ending(
            LATER, ("models: stopped; what has arrived is kept",), "start it again: podkeeper start models"
        )
    except DiskTrouble as trouble:
        return Ending(LATER, (str(trouble),), trouble.remedy)


def _told(ending: Ending, runtime: str, verb: str) -> int:
    """The last lines name every failure; the condition, the first."""
    for text in ending.problems:
        say(text)
    if verb == "plan":
        return ending.code
    if ending.code == DONE:
        clear_condition(runtime, CONDITION)
        say("models: complete")
    else:
        more = (
            f" (and {len(ending.problems) - 1} more lines in the models log)"
            if len(ending.problems) > 1
            else ""
        )
        raise_condition(runtime, Condition(CONDITION, ending.problems[0] + more, ending.remedy))
    return ending.code


def _shelf(settings: Settings, paths: Paths) -> Shelf:
    service = service_of(settings)
    owner = None if service == own_identity() else (service.uid, service.gid)
    return Shelf(paths.data, paths.kept_secrets, owner)


def _wait_for_services(settings: Settings, paths: Paths) -> None:
    """The line and the disk are the services' until they are up, or can't be."""
    began = time.monotonic()
    waiting = [service for service in SERVICES if service.enabled(settings)]
    while waiting:
        names = {condition.name for condition in read_conditions(paths.runtime)}
        waiting = [
            service for service in waiting
            if time.monotonic() - began < service.startup_grace
            and f"{service.title}Missing" not in names
            and not is_up(service.port(settings), service.health_path, timeout=2)
        ]  # fmt: skip
        if waiting:
            time.sleep(_LOOK_EVERY_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
