"""P: the state of the outputs' delivery (OUTPUTS_TO), read from the report of the program `outputs`.

    state = delivery(read_json(f"{paths.reports}/{OUTPUTS}"), settings.outputs_to, time.time())
    state.is_complete(since=the_time_that_the_last_workflow_ended)

`is_complete` is what has to hold before a pod may stop: everything is delivered, or nothing is to be delivered. What is
not known counts as not delivered. `podkeeper outputs --now` (`request_now`) makes the program look at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: The report in `paths.reports`, replaced whole.
OUTPUTS = "outputs.json"
#: A file in `paths.requests`: the program looks at once, and tries again what has failed, then removes the file.
NOW = "outputs-now"
#: Seconds after which a report is too old: the program writes one every 5 s, also while it copies.
STALE_S = 30.0
_MOST_LEFT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An output that is not delivered. `reason`: why, "" where it waits for its turn; `remedy`: what to do."""

    name: str
    size: int = 0
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The state of the delivery.

    Attributes:
        wanted: Whether OUTPUTS_TO is set.
        known: Whether the report is there, of a program that runs, for this destination.
        to: The destination: OUTPUTS_TO.
        delivered, total: Files in the output folder: delivered ones, and all.
        left: Number of files that are not delivered.
        first_left: The first of them.
        reason, remedy: Why outputs are not delivered; "": nothing is wrong.
        looked: When the last look through the output folder began, in seconds since 1970.
    """

    wanted: bool
    known: bool = False
    to: str = ""
    delivered: int = 0
    total: int = 0
    left: int = 0
    first_left: tuple[Left, ...] = ()
    reason: str = ""
    remedy: str = ""
    looked: float = 0.0

    def is_complete(self, since: float = 0.0) -> bool:
        """Whether everything that was in the output folder at the time `since` is delivered, or nothing has to be."""
        return not self.wanted or (self.known and not self.left and self.looked >= since)

    def text(self) -> str:
        """`37 of 38 delivered to s3://bucket/prefix: REASON`; "" where nothing is to be delivered."""
        if not self.wanted:
            return ""
        if not self.known:
            return f"not known: the program that delivers to {self.to} does not run"
        if not self.total:
            return f"none yet, for {self.to}"
        return f"{self.delivered} of {self.total} delivered to {self.to}" + (f": {self.reason}" if self.reason else "")


def delivery(content: Any, outputs_to: str, now: float) -> Delivery:
    """The state in the report's content, which may be anything.

    Args:
        content: Decoded JSON of the report; None where there is none.
        outputs_to: The setting OUTPUTS_TO; "": nothing is to be delivered.
        now: Seconds since 1970.
    """
    if not outputs_to:
        return Delivery(wanted=False)
    try:
        fresh = -STALE_S < now - float(content["at"]) < STALE_S
        if content["to"] != outputs_to or not fresh:
            return Delivery(wanted=True, to=outputs_to)
        return Delivery(
            wanted=True, known=True, to=outputs_to, delivered=int(content["delivered"]), total=int(content["total"]),
            left=int(content["left"]), first_left=tuple(_left(each) for each in content["first_left"][:_MOST_LEFT]),
            reason=str(content["reason"]), remedy=str(content["remedy"]), looked=float(content["looked"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, OverflowError):
        return Delivery(wanted=True, to=outputs_to)


def _left(each: Any) -> Left:
    return Left(
        name=str(each["name"]), size=int(each["size"]), reason=str(each["reason"]), remedy=str(each["remedy"])
    )  # fmt: skip
