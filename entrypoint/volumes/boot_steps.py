"""A: the boot steps that access the volume, in child processes: a dead volume must not block the boot."""

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import not_honoured
from entrypoint.settings.volume_policy import AUTO, TOP
from entrypoint.system.bounded_process import Plain, run_bounded
from entrypoint.system.condition_store import raise_condition
from entrypoint.system.privileges import own_identity, powers, service_identity_of
from entrypoint.volumes import write_probe
from entrypoint.volumes.diagnosis import TOP_NOT_OPENED, WAIT_AND_RESTART, ProbeResult, conditions
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


def start_write_probe(settings: Settings, paths: Paths) -> write_probe.RunningProbe:
    """Start the write probe in a child process; `finish_write_probe` waits for it."""
    return write_probe.start(paths.stored, service_identity_of(settings), powers())


def finish_write_probe(running: write_probe.RunningProbe, paths: Paths, timeout_s: float = _TIMEOUT_S) -> ProbeResult:
    """Wait for the write probe and record the volume's faults as conditions."""
    result = write_probe.finish(running, timeout_s)
    for condition in conditions(paths.stored, result):
        if raise_condition(paths.runtime, condition):
            print(f"podkeeper: {condition}", flush=True)
    return result


def probe_volume(settings: Settings, paths: Paths) -> None:
    """Run the write probe as one boot step (2-5 ms on a healthy volume)."""
    finish_write_probe(start_write_probe(settings, paths), paths)


def _as_plain(reports: list[TopReport]) -> Plain:
    return {"error": next((name for report in reports for name in report.errors), "")}
