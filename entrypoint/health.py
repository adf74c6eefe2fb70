"""A: `python -I -m entrypoint.health`: one line and an exit code for the image's HEALTHCHECK.

0 healthy, or degraded (the line says what is missing); 1 unhealthy: the first service that runs does not answer,
so nobody can work. Orchestrators kill what is unhealthy, and a ComfyUI that is being restarted is no reason to end
the user's terminals.
"""

from __future__ import annotations

import os
import sys

from entrypoint.ask import is_up
from entrypoint.condition_store import read_conditions
from entrypoint.facts import look
from entrypoint.gateway.nginx import as_it_is_here
from entrypoint.paths import locate
from entrypoint.services import SERVICES
from entrypoint.settings import Settings

#: Seconds for each service; together less than the HEALTHCHECK's time-out.
TIMEOUT = 4.0


def main() -> int:
    """Look at the services and tell."""
    settings = as_it_is_here(Settings.from_environ(os.environ), os.environ.get("PATH", ""))
    enabled = [service for service in SERVICES if service.enabled(settings)]
    down = [
        service.title
        for service in enabled
        if not is_up(service.port(settings), service.health_path, TIMEOUT)
    ]
    conditions = [condition.name for condition in read_conditions(locate(settings, look()).runtime)]
    code, text = verdict([service.title for service in enabled], down, conditions)
    print(text)
    return code


def verdict(enabled: list[str], down: list[str], conditions: list[str]) -> tuple[int, str]:
    """Exit code and line.

    Args:
        enabled: Titles of the services that should run, the one that counts first.
        down: Those of them that do not answer.
        conditions: Names of the conditions that hold.
    """
    problems = [f"{title} does not answer" for title in down] + conditions
    if enabled and enabled[0] in down:
        return 1, "unhealthy: " + ", ".join(problems)
    if problems:
        return 0, "degraded: " + ", ".join(problems)
    return 0, "healthy"


if __name__ == "__main__":
    sys.exit(main())
