"""A: `python -I -m entrypoint.health`: prints one line and returns an exit code for the image's HEALTHCHECK.

0: healthy, or degraded (the line names the problems). 1: unhealthy: the first enabled service, without which users
cannot work, does not answer. Orchestrators kill unhealthy containers; a ComfyUI that restarts must not end the user's
terminals.
"""

from __future__ import annotations

import os
import sys

from entrypoint.conditions.verdict import verdict
from entrypoint.door.find_nginx import without_door_if_nginx_is_missing
from entrypoint.settings.lenient import read_leniently
from entrypoint.settings.paths import locate
from entrypoint.settings.services import SERVICES
from entrypoint.system.condition_store import read_conditions
from entrypoint.system.facts import look
from entrypoint.system.readiness import ask_services

#: Seconds; less than the HEALTHCHECK's timeout.
TIMEOUT = 8.0


def main() -> int:
    """Probe the services and print the health; returns the exit code."""
    settings = without_door_if_nginx_is_missing(read_leniently(os.environ).settings, os.environ.get("PATH", ""))
    problems = ask_services(settings, TIMEOUT)
    enabled = [service for service in SERVICES if service.name in problems]
    down = [service.title for service in enabled if problems[service.name] is not None]
    conditions = [condition.name for condition in read_conditions(locate(settings, look()).runtime)]
    code, text = verdict([service.title for service in enabled], down, conditions)
    page = settings.public_url(settings.status_port)
    print(text if text == "healthy" or problems.get("status", "off") else f"{text}; see {page}/")
    return code


if __name__ == "__main__":
    sys.exit(main())
