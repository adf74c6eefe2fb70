"""A: the steps of a start that look at the volume; both run in children, so that a dead volume cannot hang it."""

from __future__ import annotations

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import not_honoured
from entrypoint.settings.volume_policy import AUTO, TOP
from entrypoint.system.bounded_process import Plain, run_bounded
from entrypoint.system.condition_store import raise_condition
from entrypoint.system.privileges import own_identity, powers, service_identity_of
from entrypoint.volumes import write_probe
from entrypoint.volumes.diagnosis import TOP_NOT_OPENED, Probe, conditions
from entrypoint.volumes.open_top import QuickReport, make_top_usable
from entrypoint.volumes.rule_set import rules_for

_TIMEOUT_S = 5.0


def tell_of_silence(silent: tuple[str, ...]) -> None:
    """Raises CannotDo when a volume that is mounted does not answer."""
    if silent:
        raise CannotDo(
            Condition(
                "VolumeNotAnswering",
                f"{', '.join(silent)} does not answer, so the pod works on the container's own disk",
                "wait a minute, then restart the pod; if it stays so, report the volume to the provider",
            )
        )


def check_the_user(settings: Settings) -> None:
    """Raises CannotDo when RUN_AS or PUID asks for what a pod that is not root cannot do."""
    condition = not_honoured(settings.run_as, settings.puid, own_identity())
    if condition:
        raise CannotDo(condition)


def open_up_the_top(settings: Settings, paths: Paths, timeout_s: float = _TIMEOUT_S) -> None:
    """The seed's promise: `ls -ld /comfyui` shows drwxrwxrwx, and so its first level. Raises CannotDo."""
    policy = settings.volume_policy if settings.volume_policy != AUTO else TOP
    rules = rules_for(policy, settings, paths)
    answer = run_bounded(lambda: _as_plain([make_top_usable(rule.path, rule) for rule in rules]), timeout_s)
    error = str(answer.get("error", ""))
    if error:
        raise CannotDo(_top_not_usable(paths.stored, error))


def send_the_canary(settings: Settings, paths: Paths) -> write_probe.Flight:
    """Tries the volume while the start goes on; `hear_the_canary` ends it."""
    return write_probe.start(paths.stored, service_identity_of(settings), powers())


def hear_the_canary(flight: write_probe.Flight, paths: Paths, timeout_s: float = _TIMEOUT_S) -> Probe:
    """Records what is wrong with the volume as conditions."""
    seen = write_probe.land(flight, timeout_s)
    for condition in conditions(paths.stored, seen):
        if raise_condition(paths.runtime, condition):
            print(f"podkeeper: {condition}", flush=True)
    return seen


def try_the_volume(settings: Settings, paths: Paths) -> None:
    """As one step: sends the canary and waits for it (2-5 ms on a volume that is well)."""
    hear_the_canary(send_the_canary(settings, paths), paths)


def _as_plain(reports: list[QuickReport]) -> Plain:
    return {"error": next((name for report in reports for name in report.errors), "")}


def _top_not_usable(path: str, error: str) -> Condition:
    return Condition(
        TOP_NOT_OPENED,
        f"{path} and its folders could not all be opened to everybody ({error})",
        "nothing, while the services can write there; else start the pod as root, or mount the volume read-write",
    )
