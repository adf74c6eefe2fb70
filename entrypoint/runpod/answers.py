"""P: the responses of RunPod's API: what they say of the pod, and whether a later request may succeed.

REST: https://docs.runpod.io/api-reference/pods/GET/pods/podId (`costPerHr` is a text there, `adjustedCostPerHr` a
number), https://docs.runpod.io/api-reference/pods/POST/pods/podId/stop. GraphQL, for a key that REST refuses:
https://github.com/runpod/runpod-python/blob/main/runpod/api/mutations/pods.py. No document says which of the two takes
the key that a pod has; runpodctl, which pods contain, has used first the one and then the other.
"""

from __future__ import annotations

import math
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

#: Statuses that mean: this key may not do that here.
REFUSED = (401, 403, 404)
#: Seconds that an API may ask to wait (Retry-After), and the longest pause of our own.
_LONGEST_AFTER, _LONGEST_PAUSE = 300.0, 60.0
#: Characters of an error message of RunPod's that are shown.
_SHOWN = 200


class Pod(NamedTuple):
    """What the API says of the pod.

    Attributes:
        price: Dollars an hour, after savings plans; None: not said.
        age: Seconds from its start to this response, by RunPod's clock; None: not said.
        status: RUNNING, EXITED or TERMINATED: what RunPod wants it to be; "": not said.
        spot: Whether another user's bid can end it.
    """

    price: float | None = None
    age: float | None = None
    status: str = ""
    spot: bool = False


class Trouble(Exception):
    """A request failed; the message is one line without the key.

    Attributes:
        status: HTTP's; 0: there was no response.
        after: Seconds that the API asks to wait; 0.0: it does not say.
    """

    def __init__(self, message: str, status: int = 0, after: float = 0.0) -> None:
        super().__init__(message)
        self.status, self.after = status, after

    @property
    def temporary(self) -> bool:
        """Whether the same request may succeed later: no response, 408, 429, or an error of the server."""
        return self.status in (0, 408, 425, 429) or self.status >= 500


def pod_of(body: Any, date: str = "") -> Pod:
    """The pod in a body of REST or of GraphQL's `pod`; `date`: the response's header Date, which is RunPod's clock."""
    found = body if isinstance(body, dict) else {}
    prices = (_price(found.get(key)) for key in ("adjustedCostPerHr", "costPerHr"))
    runtime = found.get("runtime")
    uptime = _number(runtime.get("uptimeInSeconds")) if isinstance(runtime, dict) else None
    return Pod(
        price=next((price for price in prices if price), None),
        age=_age(str(found.get("lastStartedAt") or ""), date) if found.get("lastStartedAt") else uptime,
        status=str(found.get("desiredStatus") or ""),
        spot=found.get("interruptible") is True or found.get("podType") == "INTERRUPTABLE",
    )


def graphql_data(body: Any, name: str) -> Any:
    """The field `name` of a GraphQL response, whose errors come with status 200.

    Raises:
        Trouble: It has errors, or no such field.
    """
    found = body if isinstance(body, dict) else {}
    errors = found.get("errors")
    if isinstance(errors, list) and errors:
        first = errors[0] if isinstance(errors[0], dict) else {}
        raise Trouble(f"it answers: {one_line(first.get('message'))}", 403)
    data = found.get("data")
    if not isinstance(data, dict) or name not in data:
        raise Trouble("it answers without the pod", 404)
    return data[name]


def trouble_of(status: int, body: Any, retry_after: str = "") -> Trouble:
    """The failure that a status from 300 on means."""
    text = next((body[key] for key in ("error", "message", "detail") if body.get(key)), "") if isinstance(
        body, dict) else ""  # fmt: skip
    words = {401: "refuses the pod's key", 403: "refuses the pod's key", 404: "does not know this pod",
             429: "asks for fewer requests"}.get(status, "fails")  # fmt: skip
    said = f": {one_line(text)}" if text else ""
    after = float(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 7 else 0.0
    return Trouble(f"it {words} ({status}){said}", status, min(after, _LONGEST_AFTER))


def pause(attempt: int, after: float) -> float:
    """Seconds until the next attempt after failure number `attempt` (from 0): 1, 2, 4, ... 60, or what the API asks."""
    return max(after, min(_LONGEST_PAUSE, 2.0 ** min(attempt, 10)))


def one_line(text: Any) -> str:
    """A foreign text for a message: one printable line, not too long."""
    return "".join(each if each.isprintable() else " " for each in str(text or "no reason")[:_SHOWN])


def _age(started: str, date: str) -> float | None:
    """Seconds between two times of RunPod's clock: ours may be wrong."""
    try:
        began, now = datetime.fromisoformat(started.strip()), parsedate_to_datetime(date)
        seconds = (now - began).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):  # TypeError: only one of them has a time zone
        return None
    return seconds if 0 <= seconds < 10 * 365 * 86400 else None


def _price(value: Any) -> float | None:
    number = _number(float(value) if isinstance(value, str) and value.replace(".", "", 1).isdecimal() else value)
    return number if number and number < 10000 else None


def _number(value: Any) -> float | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
    return float(value) if fits else None
