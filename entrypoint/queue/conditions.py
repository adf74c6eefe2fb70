"""P: the conditions that follow from the report of the queue's keeper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from entrypoint.conditions.condition import Condition

#: Every condition that this module makes.
NAMES = ("PromptSetAside", "QueueDamaged", "QueueNotKept", "QueueWaits")
#: Prompts that a condition names.
_NAMED = 3


def queue_conditions(report: Mapping[str, Any]) -> list[Condition]:
    """The conditions of a report (inside/keeper.py), whose content may be anything."""
    found = []
    problem, damaged, asked = report.get("problem"), report.get("damaged"), report.get("asked")
    aside = [each for each in _list(report.get("aside")) if isinstance(each, dict)]
    if aside:
        shown = "; ".join(f"{each.get('id')}: {each.get('why')}" for each in aside[:_NAMED])
        more = f"; and {len(aside) - _NAMED} more" if len(aside) > _NAMED else ""
        reason = f"{len(aside)} queued workflow(s) were set aside, the others run: {shown}{more}"
        remedy = "run one again: podkeeper queue restore ID; or forget it: podkeeper queue drop ID"
        found.append(Condition("PromptSetAside", reason, remedy))
    if isinstance(asked, int) and asked:
        reason = f"{asked} workflow(s) were queued before ComfyUI ended (QUEUE_RESTORE=ask)"
        found.append(Condition("QueueWaits", reason, "podkeeper queue restore; or forget them: podkeeper queue drop"))
    if isinstance(problem, str) and problem:
        reason = f"queued workflows would be lost with ComfyUI: {problem}"
        remedy = "free space on the volume or make it writable; until then do not restart ComfyUI with a full queue"
        found.append(Condition("QueueNotKept", reason, remedy))
    if isinstance(damaged, int) and damaged:
        reason = f"{damaged} record(s) of the queue on the volume were damaged and skipped; the others were used"
        found.append(Condition("QueueDamaged", reason, "look into the queue, and queue again what is missing"))
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
