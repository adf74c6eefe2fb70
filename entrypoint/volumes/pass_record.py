"""P: the record of a pass in volumes.json, and its log line."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from entrypoint.volumes.counts import Counts, Errors
from entrypoint.volumes.rules import Rule

WAITING, RUNNING, DONE, STOPPED, GAVE_UP = "waiting", "running", "done", "stopped", "gave up"

# A recent pass without errors delays the next one; it never replaces it.
FRESH_S, DELAY_S = 6 * 3600.0, 600.0


def key(rule: Rule) -> str:
    """Return the key that two passes share when they would make the same changes."""
    return f"{rule.policy} {rule.uid}:{rule.gid} {rule.depth} {rule.path}"


def record(
    state: str, rule: Rule, reason: str, counts: Counts, errors: Errors, began: float, now: float
) -> dict[str, Any]:
    """Return a pass's entry in <runtime>/volumes.json: counts, and errors by name with one example each.

    `reason`: why this policy was chosen. `began` and `now` are seconds since 1970.
    """
    return {
        "state": state,
        "path": rule.path,
        "policy": rule.policy,
        "why": reason,
        "key": key(rule),
        "began": began,
        "updated": now,
        **asdict(counts),
        "errors": dict(errors.counts),
        "examples": dict(errors.examples),
        "gave_up": errors.tripped,
    }


def line(state: str, rule: Rule, counts: Counts, errors: Errors, seconds: float) -> str:
    """Return the log line of a pass."""
    parts = [f"{counts.folders} folders and {counts.files} files seen in {seconds:.0f} s", f"{counts.changed} changes"]
    left = sum(counts.left.values())
    if left:
        parts.append(f"{left} left ({', '.join(sorted(counts.left))})")
    if errors.total:
        name = max(errors.counts, key=lambda each: errors.counts[each])
        parts.append(f"{errors.total} errors, most often {name!r} (first at {rule.path}{errors.examples[name]})")
    return f"volume pass over {rule.path} ({rule.policy}) {state}: " + ", ".join(parts)


def delay_s(earlier: Mapping[str, Any], rule: Rule, now: float) -> float:
    """Return the seconds a pass waits: after a recent equal pass without errors the services go first."""
    if rule.depth is not None:
        return 0.0  # the top takes milliseconds
    succeeded = earlier.get("state") == DONE and not earlier.get("errors") and earlier.get("key") == key(rule)
    updated = earlier.get("updated")
    recent = isinstance(updated, int | float) and 0 <= now - updated < FRESH_S
    return DELAY_S if succeeded and recent else 0.0
