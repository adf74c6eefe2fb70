"""P: the policy of a pass: the choice under VOLUME_POLICY=auto, and the volumes on which no pass can help."""

from typing import NamedTuple

from entrypoint.settings.users import Powers
from entrypoint.settings.volume_policy import AUTO, GROUP, NONE, OWNER, SHARED, TOP
from entrypoint.volumes.diagnosis import ProbeResult

# Errors of a volume on which changing modes is pointless: every call would fail, or never return.
_HOPELESS = {
    "EROFS": "it is mounted read-only",
    "HUNG": "it does not respond",
    "ESTALE": "it was disconnected",
    "ENOTCONN": "it was disconnected",
    "ENOENT": "it does not exist",
    "ENOTDIR": "it is not a folder",
}


class PolicyChoice(NamedTuple):
    """The policy of a pass (`none`: no pass) and the reason for the log."""

    policy: str
    reason: str


def choose_policy(asked: str, service_uid: int, service_gid: int, powers: Powers, result: ProbeResult) -> PolicyChoice:
    """Choose the policy for `asked` (VOLUME_POLICY) and services that run as `service_uid`:`service_gid`.

    Root with CAP_DAC_OVERRIDE reads and writes whatever the modes say, so a pod that is root throughout needs
    the top only. A deep pass is for services without that power.
    """
    if result.error in _HOPELESS:
        return PolicyChoice(NONE, f"changing modes cannot help: {_HOPELESS[result.error]}")
    if not result.modes_kept and asked != TOP:
        return PolicyChoice(TOP, "the volume ignores modes")
    if asked != AUTO:
        return PolicyChoice(asked, f"VOLUME_POLICY={asked}")
    if service_uid == 0 and powers.uid == 0 and powers.dac_override:
        return PolicyChoice(TOP, "services run as root, which needs only the top")
    if result.chmod_error:
        return PolicyChoice(TOP, f"the volume refuses to change modes ({result.chmod_error})")
    return _deep(service_gid, powers, result)


def _deep(service_gid: int, powers: Powers, result: ProbeResult) -> PolicyChoice:
    if powers.chown and not result.chown_error:
        return PolicyChoice(OWNER, "services run unprivileged")
    if service_gid == 0:
        return PolicyChoice(GROUP, "services run in group 0")
    if powers.fowner:
        return PolicyChoice(SHARED, "services run unprivileged, and owners cannot be changed")
    return PolicyChoice(OWNER, "unprivileged: only what belongs to the services' user can be changed")
