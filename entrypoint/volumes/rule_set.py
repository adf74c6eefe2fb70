"""A: settings and this process's identity, put together for the volumes: who runs, who owns, which policy."""

from __future__ import annotations

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import Identity, file_owner
from entrypoint.settings.volume_policy import TOP
from entrypoint.system.privileges import powers, service_identity_of
from entrypoint.volumes.adopt_folders import linked_folders
from entrypoint.volumes.diagnosis import Probe
from entrypoint.volumes.policy import Choice, choose_policy
from entrypoint.volumes.rules import Rule


def file_owner_of(settings: Settings) -> Identity:
    """Whose the files become under VOLUME_POLICY=owner, and under `group` their group."""
    return file_owner(settings.puid, settings.pgid, service_identity_of(settings))


def choose(settings: Settings, probe: Probe) -> Choice:
    service = service_identity_of(settings)
    return choose_policy(settings.volume_policy, service.uid, service.gid, powers(), probe)


def rules_for(policy: str, settings: Settings, paths: Paths) -> tuple[Rule, ...]:
    """One row for ComfyUI's data, one for each folder of the ancestor's that it links to."""
    owner = file_owner_of(settings)
    depth = 1 if policy == TOP else None
    return tuple(Rule(path, policy, owner.uid, owner.gid, depth) for path in (paths.stored, *linked_folders(paths)))
