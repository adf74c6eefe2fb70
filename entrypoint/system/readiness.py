"""A: which services answer: the one look behind the HEALTHCHECK, /readyz and every page."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from entrypoint.settings.services import SERVICES, Service
from entrypoint.settings.settings import Settings
from entrypoint.system.loopback_http import get


def ask_services(settings: Settings, timeout: float, services: Iterable[Service] = SERVICES) -> dict[str, str | None]:
    """Ask every service that is switched on, all at once.

    Returns:
        Service name -> why it does not answer within `timeout` seconds; None: it answers.
    """
    problems: dict[str, str | None] = {}

    def ask(service: Service) -> None:
        problems[service.name] = get(service.port(settings), service.health_path, timeout).problem

    asked = [service for service in services if service.enabled(settings)]
    threads = [threading.Thread(target=ask, args=(service,), daemon=True) for service in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout + 1)
    return {service.name: problems.get(service.name, "no answer") for service in asked}
