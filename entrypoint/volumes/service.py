"""A: settings and this process's identity, put together for the volumes: who runs, who owns, which policy."""

from __future__ import annotations

from entrypoint.settings import Settings
from entrypoint.volumes.choice import Choice, choose_policy
from entrypoint.volumes.diagnosis import Probe
from entrypoint.volumes.identity import own_identity, powers
from entrypoint.volumes.owner import Identity, file_owner, service_identity


def service_of(settings: Settings) -> Identity:
    """As whom the services run."""
    return service_identity(settings.run_as, settings.puid, settings.pgid, own_identity())


def file_owner_of(settings: Settings) -> Identity:
    """Whose the files become under VOLUME_POLICY=owner, and under `group` their group."""
    return file_owner(settings.puid, settings.pgid, service_of(settings))


def choose(settings: Settings, probe: Probe) -> Choice:
    service = service_of(settings)
    return choose_policy(settings.volume_policy, service.uid, service.gid, powers(), probe)
