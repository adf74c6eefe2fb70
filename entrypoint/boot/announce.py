"""A: prints each service's address once it answers, then the banner (`[program:announce]`, once per start).

It writes to the container's stdout only, never to a file: the banner contains the login.
"""

from __future__ import annotations

import os
import sys

from entrypoint.boot.banner import State, banner, up_line
from entrypoint.door.pass_through import pod_name
from entrypoint.settings.paths import STARTED, Paths
from entrypoint.settings.services import SERVICES, Service, service_named
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import read_conditions
from entrypoint.system.console import open_container_stdout, say
from entrypoint.system.files import read_text
from entrypoint.system.loopback_http import get
from entrypoint.system.privileges import become_service_user
from entrypoint.system.readiness import wait_for_services

#: Seconds between two rounds of probes.
PERIOD = 0.1


def main() -> int:
    """Announce each service when it comes up, then print the banner once all are up or cannot come up."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    token = read_text(paths.token_file) or ""
    name = pod_name(read_text(paths.door_secret_file) or "")
    services = [service for service in SERVICES if service.page]
    urls = {service.name: service.url(settings, token) for service in services}
    console = open_container_stdout()  # supervisord's own, which the services' user may not open
    become_service_user(settings)
    up: dict[str, float] = {}
    started = float(os.environ[STARTED])

    def reachable(service: Service) -> bool:
        """Whether the door at the public port is this pod's: another pod's would take the token for a wrong one."""
        if not service.behind_door(settings):
            return True
        answer = get(service.public_port(settings), service_named("gateway").health_path, 2)
        return answer.body.decode(errors="replace").split() == ["ok", name]

    waiting = wait_for_services(settings, paths.runtime, services, began=started, period=PERIOD, reachable=reachable)
    for service, seconds in waiting:
        up[service.name] = seconds
        say(console, up_line(State(service, seconds, True), urls[service.name]))
    states = [State(service, up.get(service.name), service.enabled(settings)) for service in services]
    say(console, banner(states, urls, settings, paths, read_conditions(paths.runtime), os.environ))
    return 0


if __name__ == "__main__":
    sys.exit(main())
