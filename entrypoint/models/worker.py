"""A: the supervised one-shot: lowest priority for processor and disk, and only once the services are up.

Exit codes: 0 everything is installed; 1 some file is unavailable; 2 settings or manifest can't be used; 3 the bundles
that the user named do not fit, or none does; 75 a later run may succeed (supervisord starts it again, and it resumes).
Nothing of the downloads is imported before the services respond: the start is theirs.
"""

from __future__ import annotations

import os
import time

from entrypoint.models.bundle_requests import requested_bundles
from entrypoint.models.catalogue.wanted import ALL, NAMED, REQUESTED, FetchRequest, any_flag, scope_of
from entrypoint.models.state_file import CONDITION, write_state
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import clear_condition
from entrypoint.system.low_priority import lower_priority
from entrypoint.system.readiness import wait_until_settled
from entrypoint.system.units import duration

_PROBE_EVERY_S = 0.5
_LONGEST_PAUSE_S = 3600.0


def run(settings: Settings, paths: Paths) -> int:
    """Wait for the services, fetch, and return the exit code."""
    lower_priority()
    scope, requested = scope_of(settings.models), requested_bundles(paths)
    asked = bool(requested) or scope == ALL or (scope == NAMED and any_flag(os.environ))
    if not asked and not _is_waiting_for_the_volume(paths):
        return _nothing(paths, scope)
    write_state(paths.runtime, "waiting")
    _wait_for_services(settings, paths)
    from entrypoint.models.run import fetch  # asyncio and libcurl

    outcome = fetch(settings, paths, FetchRequest(scope=scope, bundles=requested))
    _pause(outcome.after)
    return outcome.code


def _is_waiting_for_the_volume(paths: Paths) -> bool:
    """Whether an earlier run has left files on the local disk that are not on the volume."""
    if not paths.models_cache:
        return False
    from entrypoint.models.local_disk import not_on_volume
    from entrypoint.models.store import ModelStore

    return bool(not_on_volume(ModelStore.of(paths).local))


def _nothing(paths: Paths, scope: str) -> int:
    why = {
        REQUESTED: "MODELS=none, nothing is fetched",
        NAMED: "nothing is fetched by itself: choose bundles on the status page or with `podkeeper models list`, "
        "or set MODELS=auto or DOWNLOAD_<BUNDLE>=true",
    }[scope]
    clear_condition(paths.runtime, CONDITION)
    write_state(paths.runtime, "off", notes=[why])
    print(f"models: {why}", flush=True)
    return 0


def _pause(seconds: float) -> None:
    """Honour Retry-After (429, 503) up to one hour; supervisord would start the next run within a minute.

    SIGTERM ends the process here at once: nothing is open any more.
    """
    seconds = min(seconds, _LONGEST_PAUSE_S)
    if seconds:
        when = f"in {duration(seconds)}, as the origin asks (Retry-After)"
        print(f"models: the next attempt is {when}; for one at once: podkeeper restart models", flush=True)
        time.sleep(seconds)


def _wait_for_services(settings: Settings, paths: Paths) -> None:
    """Return when every service is ready or cannot start: until then they have the network and the disk.

    SIGTERM ends the process here at once: nothing is open yet.
    """
    waited = wait_until_settled(settings, paths.runtime, _PROBE_EVERY_S)
    print(f"models: waited {waited:.0f} s for the services", flush=True)
