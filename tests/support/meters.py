"""A made-up report of the meter, and the report of the meter in a pod."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

from entrypoint.meter.view import Meter
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from tests.support.pod import Pod
from tests.support.waiting import wait_until


def meter(**changes: Any) -> Meter:
    basis: dict[str, Any] = {
        "price": 0.69, "source": "RunPod", "spot": False, "problem": "", "run": 7200.0, "idle": 1800.0, "today": 7200.0,
        "cost": 1.38, "cost_idle": 0.345, "cost_today": 1.38, "state": "busy", "why": "a GPU is at work (97 %)",
        "idle_since": None, "limit": "", "stop_at": None, "action": "", "keep_until": None,
    }  # fmt: skip
    return Meter(**(basis | changes))


def paths_of(pod: Pod) -> Paths:
    facts = Facts(mounts=frozenset(), uid=os.geteuid(), temporary="/tmp", python=pod.python)
    return locate(Settings(home=str(pod.home)), facts)


def report(pod: Pod) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        found: dict[str, Any] = json.loads((pod.home / "run/reports/meter.json").read_text())
        return found
    return {}


def wait_for(pod: Pod, words: str) -> None:
    """Until this is at work."""
    wait_until(lambda: words in report(pod).get("why", ""), 30, f"{words!r}; {report(pod)}", 0.05)


def wait_for_idle(pod: Pod) -> None:
    wait_until(lambda: report(pod).get("state") == "kept", 30, f"idle and kept; {report(pod)}", 0.05)
