"""P: findings: the result of a check (ok, warning, failed or skipped) in one line, with a remedy; and the report.

As in Nagios' plugins and Kubernetes' conditions, a finding has a state that scripts match and a text for people.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict, dataclass
from typing import Literal

from entrypoint.conditions.registry import severity_of

State = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check.

    Attributes:
        check: Stable name of the check, for scripts.
        state: `failed`: something a user needs does not work. `warning`: it works, but not as it could.
        text: The result in one line, without secrets.
        remedy: What to do about it; "": nothing.
        condition: Name of the condition that the finding reports; "": none.
    """

    check: str
    state: State
    text: str
    remedy: str = ""
    condition: str = ""


def ok(check: str, text: str) -> Finding:
    """Return a finding without a problem."""
    return Finding(check, "ok", text)


def warning(check: str, text: str, remedy: str) -> Finding:
    """Return a finding about something that works, but not as it could."""
    return Finding(check, "warning", text, remedy)


def failed(check: str, text: str, remedy: str) -> Finding:
    """Return a finding about something that users need and that does not work."""
    return Finding(check, "failed", text, remedy)


def skipped(check: str, text: str) -> Finding:
    """Return a finding of a check that does not apply, or that has to wait for the fix of another failure."""
    return Finding(check, "skipped", text)


def condition_finding(check: str, name: str, reason: str, remedy: str) -> Finding:
    """Return a condition as a finding of `check`; its severity is that of the registry."""
    return Finding(check, "failed" if severity_of(name) == "error" else "warning", f"{name}: {reason}", remedy, name)


def without_duplicates(findings: list[Finding]) -> list[Finding]:
    """Leave out each condition that another check than `conditions` reports, too."""
    reported = {finding.condition for finding in findings if finding.condition and finding.check != "conditions"}
    return [each for each in findings if each.check != "conditions" or each.condition not in reported]


def exit_code(findings: list[Finding]) -> int:
    """Return 0 where no check failed (warnings count as 0), else 1."""
    return int(any(finding.state == "failed" for finding in findings))


def first(findings: list[Finding]) -> Finding | None:
    """Return what to fix first: the first failure in the order of causes, else the first warning, else None."""
    for state in ("failed", "warning"):
        for finding in findings:
            if finding.state == state:
                return finding
    return None


def as_json(findings: list[Finding]) -> str:
    """Return the report as JSON: {"healthy", "first", "checks": [{check, state, text, remedy, condition}, ...]}."""
    cause = first(findings)
    report = {
        "healthy": not exit_code(findings),
        "first": asdict(cause) if cause else None,
        "checks": [asdict(finding) for finding in findings],
    }
    return json.dumps(report, indent=2)


def as_text(findings: list[Finding], width: int = 100) -> str:
    """Return the report for people: failures first, each with its remedy, in the order of causes."""
    lines: list[str] = []
    for state in ("failed", "warning", "ok", "skipped"):
        for finding in findings:
            if finding.state == state:
                lines += _lines(finding, width)
    return "\n".join([*lines, "", _summary(findings)]) + "\n"


def _lines(finding: Finding, width: int) -> list[str]:
    head = f"{finding.state:<8} {finding.check:<18} "
    text = textwrap.wrap(finding.text, max(40, width - len(head)), break_long_words=False) or [""]
    lines = [head + text[0], *(" " * len(head) + line for line in text[1:])]
    if finding.remedy:
        rest = textwrap.wrap(f"-> {finding.remedy}", max(40, width - len(head)), break_long_words=False)
        lines += [" " * len(head) + line for line in rest]
    return lines


def _summary(findings: list[Finding]) -> str:
    counts = {state: sum(each.state == state for each in findings) for state in ("failed", "warning", "ok", "skipped")}
    summary = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    cause = first(findings)
    return f"{summary}. Fix first: {cause.check}" if cause else f"{summary}. No problems found"
