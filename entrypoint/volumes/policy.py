"""P: which policy a pass follows: what VOLUME_POLICY=auto comes to, and when no pass can help at all."""

from typing import NamedTuple

from entrypoint.settings.users import Powers
from entrypoint.settings.volume_policy import AUTO, GROUP, NONE, OWNER, SHARED, TOP
from entrypoint.volumes.diagnosis import Probe

# Answers of a volume on which changing modes is pointless: every call would fail, or never come back.
_HOPELESS = {
    "EROFS": "it is mounted read-only",
    "HUNG": "it does not answer",
    "ESTALE": "it went away",
    "ENOTCONN": "it went away",
    "ENOENT": "it is not there",
    "ENOTDIR": "it is not a folder",
}


class Choice(NamedTuple):
    """The policy a pass follows (`none`: no pass) and why, for the log."""

    policy: str
    why: str


def choose_policy(asked: str, service_uid: int, service_gid: int, powers: Powers, probe: Probe) -> Choice:
    """What `asked` (VOLUME_POLICY) comes to for services that run as `service_uid`:`service_gid`.

    Root with CAP_DAC_OVERRIDE reads and writes whatever the modes say, so a pod that is root throughout needs
    the top only. A deep pass is for services without that power.
    """
    if probe.error in _HOPELESS:
        return Choice(NONE, f"changing modes cannot help: {_HOPELESS[probe.error]}")
    if not probe.modes_kept and asked != TOP:
        return Choice(TOP, "the volume ignores modes")
    if asked != AUTO:
        return Choice(asked, f"VOLUME_POLICY={asked}")
    if service_uid == 0 and powers.uid == 0 and powers.dac_override:
        return Choice(TOP, "services run as root, which needs no more")
    if probe.chmod_error:
        return Choice(TOP, f"the volume refuses to change modes ({probe.chmod_error})")
    return _deep(service_gid, powers, probe)


def _deep(service_gid: int, powers: Powers, probe: Probe) -> Choice:
    if powers.chown and not probe.chown_error:
        return Choice(OWNER, "services run unprivileged")
    if service_gid == 0:
        return Choice(GROUP, "services run in group 0")
    if powers.fowner:
        return Choice(SHARED, "services run unprivileged, and owners cannot be changed")
    return Choice(OWNER, "unprivileged: only what belongs to the services' user can be changed")
