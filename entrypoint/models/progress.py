"""P: what is known of each file on its way, and how that is told: a line for the log, a record for the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from entrypoint.models.catalogue.fit import gigabytes
from entrypoint.models.catalogue.manifest import File

if TYPE_CHECKING:  # background.py comes here before the services are up
    from entrypoint.models.transport.response_rules import Failed

WAITING, FETCHING, BUSY, THERE, FAILED = "waiting", "fetching", "busy", "there", "failed"


@dataclass(slots=True)
class Transfer:
    """One file.

    Attributes:
        file: Which.
        state: WAITING, FETCHING, BUSY (another pod fetches it), THERE or FAILED.
        size: Bytes; 0: not known.
        there: Bytes of it that are on the disk.
        received: Bytes that came over the line in this run, repeated ones too.
        reached: The most that was there at once: what counts as progress. A stream that is cut and begins anew
            again and again receives bytes for ever.
        retries: Failures that were tried again.
        last: The last of them.
        how: How it came to be there: receipt, adopted, fetched.
        problem: (name, reason, remedy) of a failure.
        temporary: The failure may be gone in a later run.
        after: Seconds its origin asked to be left alone; 0: it did not ask.
    """

    file: File
    state: str = WAITING
    size: int = 0
    there: int = 0
    received: int = 0
    reached: int = 0
    retries: int = 0
    last: str = ""
    how: str = ""
    problem: tuple[str, str, str] | None = None
    temporary: bool = False
    after: float = 0.0

    def begin(self, size: int, there: int) -> None:
        self.state, self.size, self.there = FETCHING, size, there

    def restart(self) -> None:
        self.there = self.reached = 0

    def add(self, count: int) -> None:
        self.there += count
        self.received += count
        self.reached = max(self.reached, self.there)

    def trouble(self, reason: str) -> None:
        self.retries += 1
        self.last = reason

    def arrived(self, how: str, size: int) -> None:
        self.state, self.how, self.size, self.there = THERE, how, size, size

    def fail(self, why: Failed) -> None:
        """Keeps what it says, not the exception: that would keep its frames, and what they hold."""
        self.state, self.problem = FAILED, (why.name, why.reason, why.remedy)
        self.temporary, self.after = why.temporary, why.after

    def failure_line(self) -> str:
        """For the last lines of the log."""
        name, reason, remedy = self.problem or ("", "", "")
        return f"models: {self.file.dest}: {name}: {reason}; {remedy}"


def line(transfers: list[Transfer], bytes_per_second: float) -> str:
    """Where things stand, in one line."""
    there = sum(each.there for each in transfers)
    total = sum(max(each.size, each.there) for each in transfers)
    states = [each.state for each in transfers]
    parts = [
        f"models: {states.count(THERE)} of {len(transfers)} files",
        f"{gigabytes(there)} of {gigabytes(total)}",
        f"{bytes_per_second / 1e6:.1f} MB/s",
    ]
    if bytes_per_second > 0 and total > there:
        parts.append(f"about {duration((total - there) / bytes_per_second)} to go")
    for state, words in ((FAILED, "failed"), (BUSY, "fetched by another pod")):
        if state in states:
            parts.append(f"{states.count(state)} {words}")
    retried = [each for each in transfers if each.state in (FETCHING, WAITING) and each.last]
    if retried:
        parts.append(f"last trouble: {retried[-1].last}")
    return ", ".join(parts)


def record(
    transfers: list[Transfer], state: str, bytes_per_second: float, now: float, pid: int, notes: list[str]
) -> dict[str, Any]:
    """`<runtime>/models.json`, for the status page; replaced whole every 2 s while a run goes on.

    state: `waiting` (for the services), `off` (nothing is to be fetched), `running`, `complete`, `incomplete` (the
        condition ModelsIncomplete says why), `stopped`. at: when it was written, seconds since 1970. pid: who wrote it;
        `running` of a process that is gone means killed.
    bytes, size: of all files; size is 0 for a file whose size is not known yet. bytes_per_second: over the last
        12 s. seconds_left: None while nothing moves.
    notes: what the user should know: bundles left out, files set aside.
    files: bundle, dest, state (`waiting`, `fetching`, `busy`: another pod fetches it, `there`, `failed`), how it came
        to be there (`receipt`, `adopted`, `fetched`), size, bytes, retries, last (the last trouble that was tried
        again), problem: None or {name, reason, remedy} of a failure.
    """
    there = sum(each.there for each in transfers)
    total = sum(max(each.size, each.there) for each in transfers)
    moving = state == "running" and bytes_per_second >= 1
    return {
        "state": state,
        "at": now,
        "pid": pid,
        "bytes_per_second": round(bytes_per_second),
        "bytes": there,
        "size": total,
        "seconds_left": round((total - there) / bytes_per_second) if moving else None,
        "notes": notes,
        "files": [
            {
                "bundle": each.file.bundle, "dest": each.file.dest, "state": each.state, "how": each.how,
                "size": each.size, "bytes": each.there, "retries": each.retries, "last": each.last,
                "problem": each.problem and dict(zip(("name", "reason", "remedy"), each.problem, strict=True)),
            }
            for each in transfers
        ],
    }  # fmt: skip


def duration(seconds: float) -> str:
    """`89 s`, `5 min`, `2.1 h`."""
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
