"""P: how far a pass is, as the record other processes read and as the line a log shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from entrypoint.volumes.counts import Tally, Troubles
from entrypoint.volumes.rules import Rule

WAITING, RUNNING, DONE, STOPPED, GAVE_UP = "waiting", "running", "done", "stopped", "gave up"

# A pass that found the tree right lets the next one take its time; it never makes it needless.
FRESH_S = 6 * 3600.0
DELAY_S = 600.0


def key(rule: Rule) -> str:
    """Two passes with the same key would do the same."""
    return f"{rule.policy} {rule.uid}:{rule.gid} {rule.depth} {rule.path}"


def record(
    state: str, rule: Rule, why: str, tally: Tally, troubles: Troubles, began: float, now: float
) -> dict[str, Any]:
    """One pass in <runtime>/volumes.json: counts, every error by name with one example; times in s since 1970."""
    return {
        "state": state,
        "path": rule.path,
        "policy": rule.policy,
        "why": why,
        "key": key(rule),
        "began": began,
        "updated": now,
        **asdict(tally),
        "errors": dict(troubles.counts),
        "examples": dict(troubles.examples),
        "gave_up": troubles.tripped,
    }


def line(state: str, rule: Rule, tally: Tally, troubles: Troubles, seconds: float) -> str:
    """One plain line for the log."""
    parts = [
        f"{tally.folders} folders and {tally.files} files seen in {seconds:.0f} s",
        f"{tally.changed} changes",
    ]
    left = sum(tally.left.values())
    if left:
        parts.append(f"{left} left ({', '.join(sorted(tally.left))})")
    if troubles.total:
        name = max(troubles.counts, key=lambda each: troubles.counts[each])
        parts.append(f"{troubles.total} errors, most often {name!r} (first at {rule.path}{troubles.examples[name]})")
    return f"volume pass over {rule.path} ({rule.policy}) {state}: " + ", ".join(parts)


def delay_s(earlier: Mapping[str, Any], rule: Rule, now: float) -> float:
    """How long a pass may wait: while an equal one ended well not long ago, the services go first."""
    if rule.depth is not None:
        return 0.0  # the top costs nothing
    well = earlier.get("state") == DONE and not earlier.get("errors") and earlier.get("key") == key(rule)
    age = now - float(earlier.get("updated", 0.0))
    return DELAY_S if well and 0 <= age < FRESH_S else 0.0
