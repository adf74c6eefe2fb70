"""P: makes the snapshot's field `gpu_check` of `gpu.json`, whose content may be anything."""

from __future__ import annotations

from typing import Any

from entrypoint.gpu.findings import findings_of, worst
from entrypoint.status import schema

_SHOWN = ("speed", "copies", "attention", "disk")
_LONGEST = 500


def gpu_check(report: Any) -> schema.GpuCheck | None:
    """The field; null where there is no report yet."""
    at = report.get("at") if isinstance(report, dict) else None
    if not isinstance(at, int | float) or isinstance(at, bool) or not 0 < at < 1e12:
        return None
    findings = findings_of(report)
    wrong = [each for each in findings if each.state in ("failed", "warning")]
    shown = wrong or [each for each in findings if each.check in _SHOWN] or findings
    text = "; ".join(" ".join(each.text.split()) for each in shown)
    return schema.GpuCheck(at=float(at), state=worst(findings), text=text[:_LONGEST])
