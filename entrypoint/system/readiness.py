"""A: which services respond: one probe for the HEALTHCHECK, /readyz and every page, and one rule for waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator

from entrypoint.conditions.registry import blocked_services
from entrypoint.settings.services import SERVICES, Service
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import read_conditions
from entrypoint.system.loopback_http import get, is_up

#: Seconds one probe of a service that is waited for may take.
_PROBE_TIMEOUT_S = 2.0
#: Why a service that responds cannot be used.
DOOR_SHUT = "the gateway in front of it does not respond"


def ask_services(settings: Settings, timeout: float, services: Iterable[Service] = SERVICES) -> dict[str, str | None]:
    """Probe every enabled service, all at once.

    Returns:
        Service name -> why it does not respond within `timeout` seconds; None: it responds.
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
    found = {service.name: problems.get(service.name, "no response") for service in asked}
    if found.get("gateway"):  # without it no request reaches what is behind it
        found |= {each.name: found[each.name] or DOOR_SHUT for each in asked if each.behind_door(settings)}
    return found


def wait_until_settled(settings: Settings, runtime: str, period: float) -> float:
    """Return once every service is ready or cannot come up; the seconds that it took. `period`: as below."""
    began = time.clock_gettime(time.CLOCK_BOOTTIME)
    for _ in wait_for_services(settings, runtime, SERVICES, began=began, period=period):
        pass
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began


def wait_for_services(
    settings: Settings,
    runtime: str,
    services: Iterable[Service],
    *,
    began: float,
    period: float,
    reachable: Callable[[Service], bool] = lambda service: True,
) -> Iterator[tuple[Service, float]]:
    """Yield each enabled service once it responds; end when all are up or cannot come up.

    A service cannot come up while a condition blocks it (`conditions.registry`), or after its `startup_grace`.

    Args:
        settings: The pod's settings.
        runtime: Runtime folder, where the conditions are.
        services: The services to wait for.
        began: When the start began, in seconds of CLOCK_BOOTTIME.
        period: Seconds between two rounds of probes.
        reachable: Whether a service that responds can be used.

    Yields:
        The service, and the seconds from `began` until it responded.
    """
    waiting = [service for service in services if service.enabled(settings)]
    while waiting:
        blocked = blocked_services({condition.name for condition in read_conditions(runtime)})
        for service in list(waiting):
            seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - began
            if is_up(service.port(settings), service.health_path, _PROBE_TIMEOUT_S) and reachable(service):
                waiting.remove(service)
                yield service, seconds
            elif service.name in blocked or seconds > service.startup_grace:
                waiting.remove(service)
        if waiting:
            time.sleep(period)
