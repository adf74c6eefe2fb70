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
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import clear_condition
from entrypoint.system.low_priority import be_quiet
from entrypoint.system.readiness import wait_for_services

CONDITION = "ModelsIncomplete"
_PROBE_EVERY_S = 0.5
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
    """Return when every service is ready or cannot start: until then they have the network and the disk.

    SIGTERM ends the process here at once: nothing is open yet.
    """
    began = time.clock_gettime(time.CLOCK_BOOTTIME)
    for _ in wait_for_services(settings, paths.runtime, SERVICES, began=began, period=_PROBE_EVERY_S):
        pass
    waited = time.clock_gettime(time.CLOCK_BOOTTIME) - began
    print(f"models: waited {waited:.0f} s for the services", flush=True)
