"""A: the boot steps that access the volume, in child processes: a dead volume must not block the boot."""

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import not_honoured
from entrypoint.settings.volume_policy import AUTO, TOP
from entrypoint.system.bounded_process import Plain, run_bounded
from entrypoint.system.privileges import own_identity
from entrypoint.volumes.diagnosis import TOP_NOT_OPENED, WAIT_AND_RESTART
from entrypoint.volumes.open_top import TopReport, make_top_usable
from entrypoint.volumes.rule_set import rules_for

_TIMEOUT_S = 5.0


def report_unresponsive_volumes(unresponsive: tuple[str, ...]) -> None:
    """Raises CannotDo when a mounted volume does not respond."""
    if unresponsive:
        reason = f"{', '.join(unresponsive)} does not respond, so the pod uses the container's own disk"
        raise CannotDo(Condition("VolumeNotAnswering", reason, WAIT_AND_RESTART))


def check_user(settings: Settings) -> None:
    """Raises CannotDo when RUN_AS or PUID names another user in a pod that is not root."""
    condition = not_honoured(settings.run_as, settings.puid, own_identity())
    if condition:
        raise CannotDo(condition)


def open_top(settings: Settings, paths: Paths, timeout_s: float = _TIMEOUT_S) -> None:
    """Give the data folder and its first level mode 0777 (`ls -ld /comfyui` shows drwxrwxrwx). Raises CannotDo."""
    policy = settings.volume_policy if settings.volume_policy != AUTO else TOP
    rules = rules_for(policy, settings, paths)
    result = run_bounded(lambda: _as_plain([make_top_usable(rule.path, rule) for rule in rules]), timeout_s)
    error = str(result.get("error", ""))
    if error:
        reason = f"could not give {paths.stored} and its folders mode 0777 ({error})"
        remedy = "if the services cannot write there, start the pod as root, or mount the volume read-write"
        raise CannotDo(Condition(TOP_NOT_OPENED, reason, remedy))


def _as_plain(reports: list[TopReport]) -> Plain:
    return {"error": next((name for report in reports for name in report.errors), "")}
