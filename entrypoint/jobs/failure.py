"""P: why a job has no result: a name, what is wrong, what to do, and whether another try can help."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

#: sysexits.h: the job is wrong; it failed in a node; ComfyUI is away; the results cannot be delivered.
EX_DATAERR, EX_SOFTWARE, EX_TEMPFAIL, EX_CANTCREAT = 65, 70, 75, 73
#: As `timeout` of GNU coreutils.
EX_TIMEOUT = 124

#: Name -> exit code. A scheduler tries again after 73 and 75, and never after the others.
CODES = {
    "BadRequest": EX_DATAERR,
    "BadWorkflow": EX_DATAERR,
    "NodeMissing": EX_DATAERR,
    "ModelMissing": EX_DATAERR,
    "BadValue": EX_DATAERR,
    "BadInput": EX_DATAERR,
    "NodeFailed": EX_SOFTWARE,
    "OutOfMemory": EX_SOFTWARE,
    "NoOutput": EX_SOFTWARE,
    "EndsComfyUI": EX_SOFTWARE,
    "TimedOut": EX_TIMEOUT,
    "Cancelled": EX_TEMPFAIL,
    "ComfyUIDown": EX_TEMPFAIL,
    "InputUnreachable": EX_TEMPFAIL,
    "NotDelivered": EX_CANTCREAT,
}
RETRIED = (EX_TEMPFAIL, EX_CANTCREAT)


@dataclass(frozen=True, slots=True)
class Failure:
    """A job without a result.

    Attributes:
        name: One of CODES.
        reason: What is wrong, in one line.
        remedy: What to do.
        details: More of the same kind, a line each: every wrong value of a workflow.
    """

    name: str
    reason: str
    remedy: str = ""
    details: tuple[str, ...] = ()

    @property
    def code(self) -> int:
        """The exit code of `podkeeper run`."""
        return CODES[self.name]

    @property
    def retry(self) -> bool:
        """Whether the same job may succeed at another try."""
        return self.code in RETRIED

    def as_json(self) -> dict[str, Any]:
        """For records and responses."""
        return {**asdict(self), "details": list(self.details), "retry": self.retry}

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}" + (f"; {self.remedy}" if self.remedy else "")


def failure_of(content: Any) -> Failure | None:
    """The failure in a record; None: it is none."""
    if not isinstance(content, dict) or content.get("name") not in CODES:
        return None
    details = content.get("details")
    lines = tuple(str(each) for each in details) if isinstance(details, list) else ()
    return Failure(content["name"], str(content.get("reason", "")), str(content.get("remedy", "")), lines)


class JobFailed(Exception):
    """The job ends without a result."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure
