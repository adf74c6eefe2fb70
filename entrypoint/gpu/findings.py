"""P: findings of the GPU's checks, the conditions among them, and the report as text, state and exit code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from entrypoint.conditions.condition import Condition

State = Literal["ok", "warning", "failed", "skipped"]
#: From the worst.
_ORDER: tuple[State, ...] = ("failed", "warning", "ok", "skipped")
#: Exit codes of `podkeeper gpu`: a script may go on after 0, and after 3 on a slower pod.
EXIT_CODES: dict[str, int] = {"ok": 0, "failed": 1, "warning": 3, "skipped": 4}


@dataclass(frozen=True, slots=True)
class Finding:
    """One result.

    Attributes:
        check: Which check: driver, cuda, architecture, result, memory, errors, speed, copies, attention, disk, network.
        state: `failed`: the GPU cannot be used. `warning`: it can, but not as it should. `skipped`: not checked.
        text: The result in one line, with its numbers.
        remedy: What to do; "": nothing.
        condition: Name of the condition that it raises; "": none.
    """

    check: str
    state: State
    text: str
    remedy: str = ""
    condition: str = ""


def worst(findings: Iterable[Finding]) -> State:
    """The state of them all: that of the worst."""
    states = {finding.state for finding in findings}
    return next((state for state in _ORDER if state in states), "skipped")


def conditions(findings: Iterable[Finding]) -> list[Condition]:
    """One condition for each name: the reasons of all its findings, the remedy of the first."""
    found: dict[str, tuple[list[str], str]] = {}
    for finding in findings:
        if finding.condition:
            found.setdefault(finding.condition, ([], finding.remedy))[0].append(finding.text)
    return [Condition(name, "; ".join(texts), remedy) for name, (texts, remedy) in found.items()]


def with_cost(found: Iterable[Condition], meter: Mapping[str, Any]) -> list[Condition]:
    """The conditions, with what the pod has cost so far where the meter's report knows its price: a bad host costs."""
    price, run = meter.get("price"), meter.get("run")
    if not (isinstance(price, int | float) and isinstance(run, int | float) and price > 0):
        return list(found)
    cost = f"; this pod has cost ${price * run / 3600:.2f} so far"
    return [replace(each, reason=each.reason + cost) for each in found]


def findings_of(report: Mapping[str, Any]) -> list[Finding]:
    """The findings of a report (`preflight`), whose content may be anything."""
    rows = report.get("findings")
    found = []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("state") in _ORDER:
            words = (str(row.get(key, "")) for key in ("text", "remedy", "condition"))
            found.append(Finding(str(row.get("check", "")), row["state"], *words))
    return found


def as_text(report: Mapping[str, Any]) -> str:
    """The report for a terminal: one line for each finding, the worst first."""
    lines = []
    for state in _ORDER:
        for finding in findings_of(report):
            if finding.state == state:
                lines.append(f"{state:8} {finding.check:13} {finding.text}")
                lines += [f"{'':22} -> {finding.remedy}"] if finding.remedy else []
    return "\n".join(lines) + "\n"


def exit_code(report: Mapping[str, Any]) -> int:
    """0 the GPU works, 1 it does not, 3 it works but not as it should, 4 nothing was checked."""
    return EXIT_CODES[worst(findings_of(report))]
