"""P: how this pod is stopped, and why it cannot be."""

from __future__ import annotations

from entrypoint.settings.settings import Settings

NAME = "IdleStopNotPossible"


def is_wanted(settings: Settings) -> bool:
    """Whether the settings let the pod be stopped at all."""
    return bool(settings.idle_stop or settings.max_hours or settings.max_cost)


def action_of(settings: Settings) -> str:
    """`stop`, `terminate` or `exit`."""
    return settings.idle_action or ("stop" if settings.pod_id else "exit")


def impossible(settings: Settings, *, key: bool) -> str:
    """Why the pod cannot be stopped as the settings say, as a clause; "": nothing is known against it.

    Args:
        settings: The pod's.
        key: Whether the pod has RunPod's key.
    """
    action = action_of(settings)
    if action == "exit":
        on_runpod = "IDLE_ACTION=exit does not stop a pod on RunPod, which starts its container again"
        return on_runpod if settings.pod_id else ""
    if not settings.pod_id:
        return f"IDLE_ACTION={action} works on RunPod only, and this is no pod of RunPod's"
    return "" if key else "the pod has no key of RunPod's (RUNPOD_API_KEY)"


def remedy(settings: Settings) -> str:
    """What to do about it."""
    if action_of(settings) == "exit" or not settings.pod_id:
        return "unset IDLE_ACTION, or stop the pod yourself"
    return "stop the pod yourself in RunPod's console; RunPod sets RUNPOD_API_KEY in a new pod"
