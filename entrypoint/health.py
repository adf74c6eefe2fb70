"""A: `python -I -m entrypoint.health`: one line and an exit code for the image's HEALTHCHECK.

0 healthy, or degraded (the line says what is missing); 1 unhealthy: the first service that runs does not answer,
so nobody can work. Orchestrators kill what is unhealthy, and a ComfyUI that is being restarted is no reason to end
the user's terminals.
"""

from __future__ import annotations

import os
import sys

from entrypoint.conditions.verdict import verdict
from entrypoint.door.find_nginx import without_gateway_if_nginx_is_missing
from entrypoint.settings.paths import locate
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import read_conditions
from entrypoint.system.facts import look
from entrypoint.system.readiness import ask_services

#: Seconds; less than the HEALTHCHECK's time-out.
TIMEOUT = 8.0


def main() -> int:
    """Look at the services and tell."""
    settings = without_gateway_if_nginx_is_missing(Settings.from_environ(os.environ), os.environ.get("PATH", ""))
    answers = ask_services(settings, TIMEOUT)
    enabled = [service for service in SERVICES if service.name in answers]
    down = [service.title for service in enabled if answers[service.name] is not None]
    conditions = [condition.name for condition in read_conditions(locate(settings, look()).runtime)]
    code, text = verdict([service.title for service in enabled], down, conditions)
    page = settings.public_url(settings.status_port)
    print(text if text == "healthy" or answers.get("status", "off") else f"{text}; see {page}/")
    return code


if __name__ == "__main__":
    sys.exit(main())
