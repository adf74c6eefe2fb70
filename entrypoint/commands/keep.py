"""A: `podkeeper keep TIME`: the pod counts as at work for that long.

Exit codes: 0; 64 usage; 69 no pod runs here; 77 not permitted.
"""

from __future__ import annotations

import sys
from argparse import Namespace

from entrypoint.commands.program import run
from entrypoint.meter.decide import limits_of
from entrypoint.meter.keep import LONGEST_S, keep
from entrypoint.settings.durations import in_words
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user

EX_NOPERM = 77


def main(given: Namespace) -> int:
    """Leave the request; returns the exit code."""
    settings, paths = settings_and_paths()
    become_service_user(settings)  # the requests are that user's
    try:
        keep(paths, given.time)
    except OSError as error:
        print(f"podkeeper: cannot write the request: {error.strerror}; use the services' user", file=sys.stderr)
        return EX_NOPERM
    limits = limits_of(settings)
    if not limits.idle:
        print("IDLE_STOP is not set: nothing stops this pod for being idle")
    elif given.time:
        print(f"kept for {in_words(min(given.time, LONGEST_S))}, then IDLE_STOP={settings.idle_stop} counts again")
    else:
        print(f"IDLE_STOP={settings.idle_stop} counts again")
    if limits.run or limits.cost:
        print("MAX_HOURS and MAX_COST stop it all the same")
    return 0


if __name__ == "__main__":
    run("keep", main)
