"""A: the policy and rules for the pod's volumes, from the settings and this process's identity."""

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import file_owner
from entrypoint.settings.volume_policy import TOP
from entrypoint.system.privileges import own_identity, powers, service_identity_of
from entrypoint.volumes.adopt_folders import linked_folders
from entrypoint.volumes.diagnosis import ProbeResult
from entrypoint.volumes.policy import PolicyChoice, choose_policy
from entrypoint.volumes.rules import Rule


def choose(settings: Settings, result: ProbeResult) -> PolicyChoice:
    """Choose the policy of the pass by the write probe's result."""
    service = service_identity_of(settings)
    return choose_policy(settings.volume_policy, service.uid, service.gid, powers(), result)


def rules_for(policy: str, settings: Settings, paths: Paths) -> tuple[Rule, ...]:
    """Return a rule for ComfyUI's data and one for each adopted folder of the former template."""
    service = service_identity_of(settings)
    owner = file_owner(settings.puid, settings.pgid, service)  # under `group`: its group alone
    depth, follow = 1 if policy == TOP else None, service == own_identity()
    folders = (paths.stored, *linked_folders(paths))
    return tuple(Rule(path, policy, owner.uid, owner.gid, depth, follow) for path in folders)
