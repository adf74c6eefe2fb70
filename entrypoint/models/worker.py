"""A: the one-shot under supervisord: last in the queue for processor and disk, and only once the services are up.

Exit codes: 0 all is there; 1 something can't be had; 2 settings or manifest can't be used; 3 what was asked for does
not fit; 75 a later run may get some of it (supervisord starts it again, and it goes on where it was). Nothing of the
fetcher is imported before the services answer: the start is theirs.
"""

from __future__ import annotations

import os
import time

from entrypoint.models.bundle_requests import asked_for
from entrypoint.models.catalogue.wanted import ASKED, NAMED, Errand, any_flag, reach_of
from entrypoint.models.progress import duration
from entrypoint.models.state_file import write_state
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import SERVICES, Service
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import clear_condition, read_conditions
from entrypoint.system.loopback_http import is_up
from entrypoint.system.low_priority import be_quiet

CONDITION = "ModelsIncomplete"
_LOOK_EVERY_S = 0.5
_LONGEST_LEFT_ALONE_S = 3600.0


def run(settings: Settings, paths: Paths) -> int:
    """Wait, fetch, and return the exit code."""
    be_quiet()
    reach, asked = reach_of(settings.models, local=bool(settings.home)), asked_for(paths)
    if not asked and (reach == ASKED or (reach == NAMED and not any_flag(os.environ))):
        return _nothing(paths, reach)
    write_state(paths.runtime, "waiting")
    _wait_for_services(settings, paths)
    from entrypoint.models.run import fetch  # asyncio and libcurl

    ending = fetch(settings, paths, Errand(reach=reach, asked=asked))
    _leave_alone(ending.after)
    return ending.code


def _nothing(paths: Paths, reach: str) -> int:
    why = {
        ASKED: "MODELS=none, nothing is fetched",
        NAMED: "local mode fetches nothing by itself: set MODELS=auto or DOWNLOAD_<BUNDLE>=true, "
        "or type scripts/run models plan",
    }[reach]
    clear_condition(paths.runtime, CONDITION)
    write_state(paths.runtime, "off", notes=[why])
    print(f"models: {why}", flush=True)
    return 0


def _leave_alone(seconds: float) -> None:
    """Who limits us (429, 503 with Retry-After) is not asked again before; supervisord would within a minute.

    SIGTERM ends the process here at once: nothing is open any more.
    """
    seconds = min(seconds, _LONGEST_LEFT_ALONE_S)
    if seconds:
        when = f"in {duration(seconds)}, as its origin asks"
        print(f"models: tried again {when}; at once: podkeeper restart models", flush=True)
        time.sleep(seconds)


def _wait_for_services(settings: Settings, paths: Paths) -> None:
    """The line and the disk are the services' until they are up, or can't be.

    Bounded by the time each may take to start. SIGTERM ends the process here at once: nothing is open yet.
    """
    began = time.monotonic()
    waiting = [service for service in SERVICES if service.enabled(settings)]
    while waiting:
        missing = {condition.name for condition in read_conditions(paths.runtime)}
        waiting = [each for each in waiting if _may_come(each, missing, began) and not _answers(each, settings)]
        if waiting:
            time.sleep(_LOOK_EVERY_S)
    waited = time.monotonic() - began
    print(f"models: waited {waited:.0f} s for the services", flush=True)


def _may_come(service: Service, conditions: set[str], began: float) -> bool:
    late = time.monotonic() - began >= service.startup_grace
    return not late and f"{service.title}Missing" not in conditions


def _answers(service: Service, settings: Settings) -> bool:
    return is_up(service.port(settings), service.health_path, timeout=2)
