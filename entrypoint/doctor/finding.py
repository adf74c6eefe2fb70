"""P: what a check finds: ok, warning, failed or skipped, in one line, with a remedy; and a whole report of them.

The words are those of Nagios' plugins and of Kubernetes' conditions: a state that scripts match, a text for people.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict, dataclass
from typing import Literal

State = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was looked at.

    Attributes:
        check: Name of the check, stable, for scripts.
        state: `failed`: something a user needs does not work. `warning`: it works, but not as it could.
        text: What was found, one line, without a secret.
        remedy: What to do about it; empty where there is nothing to do.
        condition: Name of the condition this is about, if it is about one.
    """

    check: str
    state: State
    text: str
    remedy: str = ""
    condition: str = ""


def ok(check: str, text: str) -> Verdict:
    """All is well."""
    return Verdict(check, "ok", text)


def warning(check: str, text: str, remedy: str) -> Verdict:
    """It works, but not as it could."""
    return Verdict(check, "warning", text, remedy)


def failed(check: str, text: str, remedy: str) -> Verdict:
    """It does not work."""
    return Verdict(check, "failed", text, remedy)


def skipped(check: str, text: str) -> Verdict:
    """Nothing to look at, or something else has to be mended first."""
    return Verdict(check, "skipped", text)


def once(verdicts: list[Verdict]) -> list[Verdict]:
    """Without a condition that a check of its own has found as well."""
    looked_at = {verdict.condition for verdict in verdicts if verdict.condition and verdict.check != "conditions"}
    return [v for v in verdicts if v.check != "conditions" or v.condition not in looked_at]


def exit_code(verdicts: list[Verdict]) -> int:
    """0: nothing failed (there may be warnings); 1: something did."""
    return int(any(verdict.state == "failed" for verdict in verdicts))


def first(verdicts: list[Verdict]) -> Verdict | None:
    """What to mend first: the first failure in the order of causes, else the first warning."""
    for state in ("failed", "warning"):
        for verdict in verdicts:
            if verdict.state == state:
                return verdict
    return None


def as_json(verdicts: list[Verdict]) -> str:
    """The report for scripts: {"healthy", "first", "checks": [{"check", "state", "text", "remedy", "condition"}]}."""
    cause = first(verdicts)
    report = {
        "healthy": not exit_code(verdicts),
        "first": asdict(cause) if cause else None,
        "checks": [asdict(verdict) for verdict in verdicts],
    }
    return json.dumps(report, indent=2)


def as_text(verdicts: list[Verdict], width: int = 100) -> str:
    """The report for people: failures first, each with its remedy, in the order of causes."""
    lines: list[str] = []
    for state in ("failed", "warning", "ok", "skipped"):
        for verdict in verdicts:
            if verdict.state == state:
                lines += _lines(verdict, width)
    return "\n".join([*lines, "", _summary(verdicts)]) + "\n"


def _lines(verdict: Verdict, width: int) -> list[str]:
    head = f"{verdict.state:<8} {verdict.check:<18} "
    found = textwrap.wrap(verdict.text, max(40, width - len(head)), break_long_words=False) or [""]
    lines = [head + found[0], *(" " * len(head) + line for line in found[1:])]
    if verdict.remedy:
        rest = textwrap.wrap(f"-> {verdict.remedy}", max(40, width - len(head)), break_long_words=False)
        lines += [" " * len(head) + line for line in rest]
    return lines


def _summary(verdicts: list[Verdict]) -> str:
    counts = {state: sum(v.state == state for v in verdicts) for state in ("failed", "warning", "ok", "skipped")}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    cause = first(verdicts)
    return f"{told}. Begin with: {cause.check}" if cause else f"{told}. All is well"
