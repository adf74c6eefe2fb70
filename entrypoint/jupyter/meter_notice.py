"""P: what JupyterLab shows of the meter: a notification in the minutes before the pod is stopped."""

from __future__ import annotations

from typing import Any

from entrypoint.meter.view import Meter

_WHY = {"idle": "nothing has happened for a while", "run": "it has run for MAX_HOURS", "cost": "it has cost MAX_COST"}
_VERBS = {"terminate": "is terminated, with its volume disk,", "exit": "ends"}


def notice(meter: Meter | None, every: float) -> dict[str, Any]:
    """The response.

    Args:
        meter: What the meter says.
        every: Seconds after which JupyterLab asks again; 0.0: nothing stops this pod, and it need not ask.

    Returns:
        "every"; "text": the notification, "" for none; "at": the time that stands for `{at}` in it, in seconds
        since 1970; "keep": whether it has the button.
    """
    if not every or meter is None or meter.state not in ("soon", "stopping") or meter.stop_at is None:
        return {"every": every, "text": "", "at": 0.0, "keep": False}
    text = f"This pod {_VERBS.get(meter.action, 'is stopped')} at {{at}}, because {_WHY.get(meter.limit, '')}."
    return {"every": every, "text": text, "at": meter.stop_at, "keep": meter.limit == "idle" and meter.state == "soon"}
