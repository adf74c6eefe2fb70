"""P: what the meter says, as lines for a terminal."""

from __future__ import annotations

from datetime import UTC, datetime

from entrypoint.meter.view import Meter
from entrypoint.settings.durations import in_words

_LIMITS = {"idle": "IDLE_STOP", "run": "MAX_HOURS", "cost": "MAX_COST"}


def meter_lines(meter: Meter) -> list[str]:
    """The cost, and whether the pod is idle."""
    return [_cost(meter), _state(meter)]


def _cost(meter: Meter) -> str:
    run, idle = in_words(meter.run), in_words(meter.idle)
    if meter.price is None:
        why = f" ({meter.problem})" if meter.problem else ""
        return f"not known{why}; set COST_PER_HOUR. Up for {run}, {idle} of it idle"
    spot = ", spot" if meter.spot else ""
    return (
        f"${meter.price:.2f} an hour ({meter.source}{spot}); ${meter.cost or 0:.2f} since the start {run} ago, "
        f"${meter.cost_idle or 0:.2f} of it idle ({idle}); ${meter.cost_today or 0:.2f} today"
    )


def _state(meter: Meter) -> str:
    stop = ""
    if meter.stop_at is not None:
        stop = f"; {meter.action} at {_clock(meter.stop_at)} ({_LIMITS.get(meter.limit, '')})"
    match meter.state:
        case "":
            return "the meter does not run; see: podkeeper logs meter"
        case "busy":
            return f"busy: {meter.why}{stop}"
        case "kept":
            return f"idle, kept until {_clock(meter.keep_until or 0.0)}{stop}"
        case "stopping":
            return "the pod is being stopped"
    since = f" since {_clock(meter.idle_since)}" if meter.idle_since else ""
    return f"idle{since}{stop}{'; to keep it: podkeeper keep 2h' if meter.state == 'soon' else ''}"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%H:%M:%S")
