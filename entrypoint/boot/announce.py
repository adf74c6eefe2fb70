"""A: wait until the services answer, then tell the user where they are (`[program:announce]`, once a start).

It writes to the container's stdout only, and to no file: the banner holds the login.
"""

from __future__ import annotations

import os
import sys
import time

from entrypoint.boot.banner import State, address, banner, up_line
from entrypoint.settings.paths import STARTED, Paths
from entrypoint.settings.services import SERVICES, Service
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import read_conditions
from entrypoint.system.console import open_container_stdout, say
from entrypoint.system.files import read_text
from entrypoint.system.loopback_http import is_up

#: Seconds between two looks.
PERIOD = 0.1


def main() -> int:
    """Announce each service as it comes up, then everything once all have settled."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    token = read_text(paths.token_file) or ""
    services = [service for service in SERVICES if service.public_port(settings)]
    urls = {service.name: address(service, settings, token) for service in services}
    console = open_container_stdout()
    started = float(os.environ[STARTED])
    up: dict[str, float] = {}
    waiting = [service for service in services if service.enabled(settings)]
    while waiting:
        for service in list(waiting):
            seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - started
            if is_up(service.port(settings), service.health_path, timeout=2):
                up[service.name] = seconds
                say(console, up_line(State(service, seconds, True), urls[service.name]))
                waiting.remove(service)
            elif seconds > service.startup_grace or _cannot_run(service, paths):
                waiting.remove(service)
        time.sleep(PERIOD)
    states = [State(service, up.get(service.name), service.enabled(settings)) for service in services]
    say(console, banner(states, urls, settings, paths, read_conditions(paths.runtime)))
    return 0


def _cannot_run(service: Service, paths: Paths) -> bool:
    """Whether a condition says that this service will not come up by itself."""
    return any(
        condition.name.startswith(service.title) and condition.name.endswith("Missing")
        for condition in read_conditions(paths.runtime)
    )


if __name__ == "__main__":
    sys.exit(main())
