"""P: the prober's targets: the rows of SERVICES with their ports and limits filled in."""

from typing import NamedTuple

from entrypoint.settings.services import SERVICES, Service
from entrypoint.settings.settings import Settings


class ProbeConfig(NamedTuple):
    """The probes' period, timeout and thresholds; all in seconds but `failures`."""

    period: float = 10.0
    timeout: float = 5.0  # For a whole response: a server that sends a byte a second fails too.
    failures: int = 6
    window: float = 45.0  # A hang is this many failed probes in a row *and* this long: a busy GIL is no hang.
    queue_period: float = 20.0
    stuck: float = 60.0  # How long ComfyUI's queue must stand still before its prompt worker counts as dead.


class Target(NamedTuple):
    """One service to probe."""

    name: str
    port: int
    path: str
    startup_grace: float
    stop_signal: str
    stop_grace: float
    whole_tree: bool  # Kill its descendants too? Not JupyterLab's: a user's nohup job in a terminal is the user's.
    memory_limit: int  # Bytes its process tree may use; 0: no limit of its own.
    queue: bool  # Whether the service has ComfyUI's queue and log.
    node_timeout: float = 0.0  # Seconds for which one custom node may load; 0: it has no nodes.


def targets(settings: Settings, services: tuple[Service, ...] = SERVICES) -> tuple[Target, ...]:
    """Return the targets of the enabled services."""
    return tuple(
        Target(
            name=service.name,
            port=service.port(settings),
            path=service.health_path,
            startup_grace=float(service.startup_grace),
            stop_signal=service.stop_signal,
            stop_grace=float(service.stop_grace),
            whole_tree=service.sweep_orphans,
            memory_limit=service.memory_limit(settings),
            queue=service.name == "comfyui",
            node_timeout=float(settings.nodes_timeout) if service.name == "comfyui" else 0.0,
        )
        for service in services
        if service.enabled(settings)
    )
