"""P: a plan and what of it was chosen -> the plan of these alone, or why it cannot be done."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from entrypoint.workflows.plan import INSTALLED, MISSING, Plan


def chosen(plan: Plan, models: Collection[str], nodes: Collection[str]) -> Plan:
    """The plan of these models, by destination, and node packs, by what `nodes install` takes."""
    return replace(
        plan,
        models=[each for each in plan.models if each.model.dest in models],
        packs=[each for each in plan.packs if each.wanted and each.wanted in nodes],
        notes=[],
    )


def problems(plan: Plan) -> list[str]:
    """A line for each model and node pack that cannot be had."""
    found = [f"{each.model.dest}: {each.note}" for each in plan.models if each.state not in (INSTALLED, MISSING)]
    found += [f"{each.pack.label}: {each.note}" for each in plan.packs if each.state not in (INSTALLED, MISSING)]
    return [line.removesuffix(": ") for line in found]
