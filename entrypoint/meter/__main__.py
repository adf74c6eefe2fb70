"""A: `[program:meter]`: `python -I -m entrypoint.meter`: looks, counts, warns, and asks for the stop of the pod."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import NoReturn

from entrypoint.meter.report import jupyter_headers
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from entrypoint.system.low_priority import lower_priority
from entrypoint.system.privileges import become_service_user
from entrypoint.system.readiness import wait_for_services

_PROBE_EVERY_S = 0.5


def main() -> NoReturn:
    """Run until a signal ends the process."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    headers = jupyter_headers(settings, paths)  # while this process may still be root
    become_service_user(settings)
    lower_priority()
    began = time.clock_gettime(time.CLOCK_BOOTTIME)
    others = [service for service in SERVICES if service.name != "comfyui"]  # its start counts as work
    for _ in wait_for_services(settings, paths.runtime, others, began=began, period=_PROBE_EVERY_S):
        pass
    from entrypoint.meter.keeper import Keeper  # nothing of the looks is loaded before the services are up
    from entrypoint.meter.looks import Looks

    keeper = Keeper(settings, paths, Looks(settings, paths, headers))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        keeper.run()
    finally:
        keeper.save()


if __name__ == "__main__":
    main()
