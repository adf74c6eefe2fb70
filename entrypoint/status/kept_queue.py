"""P: makes the snapshot's field `queue` of the report of the queue's keeper, whose content may be anything."""

from __future__ import annotations

from typing import Any

from entrypoint.status.queue_schema import Queue, SetAside

#: Most characters of a text.
_LONGEST = 500


def kept_queue(report: Any) -> Queue | None:
    """The field `queue`. `report`: content of `queue.json` (entrypoint/queue/inside/keeper.py)."""
    if not isinstance(report, dict) or "waiting" not in report:
        return None
    rows = report.get("aside")
    return Queue(
        waiting=_number(report.get("waiting")),
        asked=_number(report.get("asked")),
        aside=tuple(each for row in (rows if isinstance(rows, list) else ()) if (each := _aside(row))),
        more=_number(report.get("more")),
        drained=report.get("drained") is True,
    )


def ids(report: Any) -> set[str]:
    """The ids of the workflows that are set aside."""
    queue = kept_queue(report)
    return {each.id for each in queue.aside} if queue else set()


def _aside(row: Any) -> SetAside | None:
    name, at = (row.get("id"), row.get("at")) if isinstance(row, dict) else (None, None)
    if not isinstance(name, str) or not name or not isinstance(at, int | float) or not 0 < at < 1e12:
        return None
    return SetAside(id=name[:_LONGEST], why=" ".join(str(row.get("why") or "").split())[:_LONGEST], at=float(at))


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1e9 else 0
