"""A: settings and this process's identity, put together for the volumes: who runs, who owns, which policy."""

from __future__ import annotations

from entrypoint.paths import Paths
from entrypoint.settings import Settings
from entrypoint.volumes.choice import Choice, choose_policy
from entrypoint.volumes.diagnosis import Probe
from entrypoint.volumes.identity import own_identity, powers
from entrypoint.volumes.links import linked_folders
from entrypoint.volumes.owner import Identity, file_owner, service_identity
from entrypoint.volumes.rules import TOP, Rule


def service_of(settings: Settings) -> Identity:
    """As whom the services run."""
    return service_identity(settings.run_as, settings.puid, settings.pgid, own_identity())


def file_owner_of(settings: Settings) -> Identity:
    """Whose the files become under VOLUME_POLICY=owner, and under `group` their group."""
    return file_owner(settings.puid, settings.pgid, service_of(settings))


def choose(settings: Settings, probe: Probe) -> Choice:
    service = service_of(settings)
    return choose_policy(settings.volume_policy, service.uid, service.gid, powers(), probe)


def rules_for(policy: str, settings: Settings, paths: Paths) -> tuple[Rule, ...]:
    """One row for ComfyUI's data, one for each folder of the ancestor's that it links to."""
    owner = file_owner_of(settings)
    depth = 1 if policy == TOP else None
    return tuple(
        Rule(path, policy, owner.uid, owner.gid, depth) for path in (paths.stored, *linked_folders(paths))
    )
