"""P: compares the start of a version of ComfyUI on a spare port with the one that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from entrypoint.nodes.import_log import ImportReport, summary


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a start on a spare port.

    Attributes:
        problem: Why it did not come up; "": it did.
        node_types: How many types of nodes it has.
        report: Its custom nodes.
    """

    problem: str = ""
    node_types: int = 0
    report: ImportReport = field(default_factory=ImportReport)


def lost_nodes(now: ImportReport, trial: Trial) -> dict[str, str]:
    """The custom nodes that the running ComfyUI has loaded and the other version could not import -> why."""
    return {name: why for name, why in trial.report.failed.items() if name in now.loaded}


def refusal(name: str, now: ImportReport, trial: Trial, *, anyway: bool) -> str:
    """Why the version is not switched to; ""."""
    if trial.problem:
        return f"ComfyUI {name} does not start: {trial.problem}"
    lost = lost_nodes(now, trial)
    if not lost or anyway:
        return ""
    return (
        f"custom nodes that are loaded now cannot be imported by ComfyUI {name}: {summary(lost)}; update them, or "
        f"switch all the same: podkeeper comfyui use {name} --anyway"
    )


def outcome(trial: Trial, lost: Mapping[str, str]) -> str:
    """One line for people about a trial that came up."""
    without = f", without {', '.join(sorted(lost))}" if lost else ""
    return f"it responds, with {trial.node_types} types of nodes, {len(trial.report.loaded)} custom nodes{without}"
