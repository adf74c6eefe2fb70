"""A: `[program:runpod]`: `python -I -m entrypoint.runpod`: what RunPod says of this pod; or, where the meter has asked
for it, the stop of this pod.

It alone reads the pod's key. Exit codes: 0; 78: the settings cannot be used. supervisord starts it again where it was
killed, and it goes on with a stop that was asked for.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from entrypoint.conditions.condition import Condition
from entrypoint.runpod import files
from entrypoint.runpod.actions import NAME, action_of, impossible, is_wanted, remedy
from entrypoint.runpod.answers import Pod, Trouble, pause
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.named_secrets import named_secrets
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.readiness import wait_for_services

if TYPE_CHECKING:
    from entrypoint.runpod.api import Api

NOT_STOPPED = "PodNotStopped"
#: How often the API is asked for the price before that is given up; the meter starts this program again later.
_ATTEMPTS = 6
_PROBE_EVERY_S = 0.5


def main() -> int:
    """Stop the pod where that is asked for, else ask what it costs; returns the exit code."""
    settings, paths = settings_and_paths()
    key = named_secrets([files.KEY], paths).get(files.KEY, "")
    why = files.requested_stop(paths)
    if why and is_wanted(settings):
        stop(settings, paths, key, why)
    else:
        ask(settings, paths, key)
    return 0


def ask(settings: Settings, paths: Paths, key: str) -> None:
    """Write what RunPod says of the pod, and the condition that the pod cannot be stopped as the settings say."""
    _wait_for_first_page(settings, paths)
    pod, problem, prevented = Pod(), "", impossible(settings, key=bool(key))
    if settings.pod_id and key:
        from entrypoint.runpod.api import Api  # TLS is not loaded before the first page is there

        pod, problem = _found(Api(settings.runpod_rest_url, settings.pod_id, key))
        if problem and not prevented and action_of(settings) != "exit":
            prevented = f"RunPod's API: {problem}"
    elif settings.pod_id:
        problem = "the pod has no key of RunPod's"
    if not prevented and settings.max_cost and not (pod.price or settings.cost_per_hour):
        prevented = "MAX_COST is set, and what the pod costs is not known; set COST_PER_HOUR"
    prevented = prevented if is_wanted(settings) else ""
    files.write_facts(paths, pod, problem, prevented)
    if not prevented:
        clear_condition(paths.runtime, NAME)
    elif raise_condition(paths.runtime, condition := Condition(NAME, _reason(settings, prevented), remedy(settings))):
        say(str(condition))
    if pod.price:
        say(f"this pod costs ${pod.price:g} an hour, as RunPod says{' (spot)' if pod.spot else ''}")
    elif problem:
        say(f"what this pod costs is not known: {problem}")


def stop(settings: Settings, paths: Paths, key: str, why: str) -> None:
    """Stop the pod. Returns where that failed, or where supervisord ends the container."""
    from entrypoint.runpod.api import Api
    from entrypoint.runpod.stop import CALLED_OFF, Programs, Stop

    action, programs = action_of(settings), Programs(f"{paths.runtime}/supervisor.sock")
    problem = impossible(settings, key=bool(key))
    say(f"{action} of this pod: {why}")
    if not problem and action == "exit":
        try:
            programs.shut_down()
            return
        except OSError as error:
            problem = f"supervisord does not answer: {error}"
    if not problem:
        api = Api(settings.runpod_rest_url, settings.pod_id, key)
        attempt = Stop(
            api, action, programs, partial(files.note_stopped, paths), say, lambda: bool(files.requested_stop(paths))
        )
        problem = attempt.run(files.stopped_programs(paths))
    files.note_stopped(paths, [])
    files.end_request(paths)
    if problem == CALLED_OFF:
        say(problem)
        return
    reason = f"the pod was to be stopped ({why}), and was not: {problem}"
    raise_condition(paths.runtime, Condition(NOT_STOPPED, reason, f"{remedy(settings)}; the meter tries again"))
    say(reason)


def _found(api: Api) -> tuple[Pod, str]:
    """What the API says, and why it says nothing."""
    for attempt in range(_ATTEMPTS):
        try:
            return api.get(), ""
        except Trouble as trouble:
            problem = str(trouble)
            if not trouble.temporary or attempt == _ATTEMPTS - 1:
                break
            time.sleep(pause(attempt, trouble.after))
    return Pod(), problem


def _reason(settings: Settings, prevented: str) -> str:
    limits = {"IDLE_STOP": settings.idle_stop, "MAX_HOURS": settings.max_hours, "MAX_COST": settings.max_cost}
    return f"{' and '.join(name for name, value in limits.items() if value)} cannot stop this pod: {prevented}"


def _wait_for_first_page(settings: Settings, paths: Paths) -> None:
    """ComfyUI's start may take ten minutes, and does not count: a key that is refused is to be told before."""
    others = [service for service in SERVICES if service.name != "comfyui"]
    began = time.clock_gettime(time.CLOCK_BOOTTIME)
    for _ in wait_for_services(settings, paths.runtime, others, began=began, period=_PROBE_EVERY_S):
        pass


def say(line: str) -> None:
    """Log a line."""
    print(f"runpod: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
