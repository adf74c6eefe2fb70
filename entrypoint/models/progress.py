"""P: the progress of each file of a run: as a line for the log, and as a record for the status page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from entrypoint.models.errors import DownloadError
from entrypoint.models.sources.model_file import File
from entrypoint.system.units import duration, gigabytes

#: The states of a file, as the record has them.
WAITING, FETCHING, BUSY, INSTALLED, FAILED = "waiting", "fetching", "busy", "there", "failed"


@dataclass(slots=True)
class Transfer:
    """The progress of one file."""

    file: File
    state: str = WAITING  # WAITING, FETCHING, BUSY (another pod downloads it), INSTALLED or FAILED
    size: int = 0  # bytes; 0: not known
    written: int = 0  # bytes of it that are on the disk
    received: int = 0  # bytes that came over the network in this run, repeated ones too
    # the most bytes that were on the disk at once: what counts as progress. A stream that is cut and begins anew again
    # and again receives bytes for ever
    most_written: int = 0
    retries: int = 0  # failures that were retried
    last: str = ""  # the last of them
    how: str = ""  # how it was installed: receipt, adopted, fetched, linked, copied
    linked_from: str = ""  # a file with its bytes on the disk that it goes to: it needs no room there
    renew: str = ""  # the sha256 of the installed older version that it replaces (`podkeeper models update`)
    problem: tuple[str, str, str] | None = None  # (name, reason, remedy) of a failure
    temporary: bool = False  # a later run may succeed
    after: float = 0.0  # seconds that its origin asked to wait; 0: it did not ask

    def start(self, size: int, written: int) -> None:
        """The download starts, with the bytes that an earlier run has written."""
        self.state, self.size, self.written = FETCHING, size, written

    def restart(self) -> None:
        """The download starts anew, from the first byte."""
        self.written = self.most_written = 0

    def add(self, count: int) -> None:
        """Count received bytes."""
        self.written += count
        self.received += count
        self.most_written = max(self.most_written, self.written)

    def retrying(self, reason: str) -> None:
        """Note a failure that is retried."""
        self.retries += 1
        self.last = reason

    def installed(self, how: str, size: int) -> None:
        """The file is in ComfyUI's folder."""
        self.state, self.how, self.size, self.written = INSTALLED, how, size, size

    def fail(self, error: DownloadError) -> None:
        """Keep what the error says, and not the error: that would keep its frames, and what they hold."""
        self.state, self.problem = FAILED, (error.name, error.reason, error.remedy)
        self.temporary, self.after = error.temporary, error.after

    def failure_line(self) -> str:
        """The failure, for the last lines of the log."""
        name, reason, remedy = self.problem or ("", "", "")
        return f"models: {self.file.dest}: {name}: {reason}; {remedy}"


@dataclass(frozen=True, slots=True)
class BundleProgress:
    """The progress of the files of one bundle in a run."""

    name: str
    files: int
    installed: int
    failed: int
    size: int  # bytes, as far as known
    bytes: int  # of these, on the disk
    seconds_left: int | None  # with the bundles before it; None: nothing moves, or it is complete

    @property
    def complete(self) -> bool:
        """Whether all of its files are installed."""
        return self.installed == self.files


def by_bundle(
    transfers: list[Transfer], bytes_per_second: float, rank: Callable[[File], tuple[int, ...]] = lambda _: ()
) -> list[BundleProgress]:
    """Each bundle's progress, in the order of the fetch. `rank`: files of a lower one come first."""
    names = dict.fromkeys(each.file.bundle for each in sorted(transfers, key=lambda each: rank(each.file)))
    found, before = [], 0
    for name in names:
        mine = [each for each in transfers if each.file.bundle == name]
        states = [each.state for each in mine]
        size, written = sum(max(each.size, each.written) for each in mine), sum(each.written for each in mine)
        before += sum(max(each.size - each.written, 0) for each in mine if each.state not in (INSTALLED, FAILED))
        moves = bytes_per_second >= 1 and states.count(INSTALLED) + states.count(FAILED) < len(mine)
        left = round(before / bytes_per_second) if moves else None
        counts = states.count(INSTALLED), states.count(FAILED)
        found.append(BundleProgress(name, len(mine), *counts, size, written, left))
    return found


def line(
    transfers: list[Transfer], bytes_per_second: float, rank: Callable[[File], tuple[int, ...]] = lambda _: ()
) -> str:
    """The progress of all files, in one line."""
    written = sum(each.written for each in transfers)
    total = sum(max(each.size, each.written) for each in transfers)
    states = [each.state for each in transfers]
    parts = [f"models: {states.count(INSTALLED)} of {len(transfers)} files, {gigabytes(written)} of {gigabytes(total)}"]
    parts.append(f"{bytes_per_second / 1e6:.1f} MB/s")
    if bytes_per_second > 0 and total > written:
        parts.append(f"about {duration((total - written) / bytes_per_second)} left")
        waiting = [each for each in by_bundle(transfers, bytes_per_second, rank) if each.seconds_left is not None]
        if len(waiting) > 1:
            parts.append(f"{waiting[0].name} in {duration(waiting[0].seconds_left or 0)}")
    for state, words in ((FAILED, "failed"), (BUSY, "downloaded by another pod")):
        if state in states:
            parts.append(f"{states.count(state)} {words}")
    retried = [each for each in transfers if each.state in (FETCHING, WAITING) and each.last]
    if retried:
        parts.append(f"last failure: {retried[-1].last}")
    return ", ".join(parts)


def record(
    transfers: list[Transfer],
    state: str,
    bytes_per_second: float,
    now: float,
    pid: int,
    notes: list[str],
    fastest: float = 0.0,
    bundles: Sequence[BundleProgress] = (),
    to_volume: int = 0,
) -> dict[str, Any]:
    """The content of `<runtime>/reports/models.json`, for the status page; replaced whole every 2 s during a run.

    state: `waiting` (for the services), `off` (nothing is to be fetched), `running`, `complete`, `incomplete` (the
        condition ModelsIncomplete says why), `stopped`. at: when it was written, seconds since 1970. pid: its writer;
        `running` of a process that has ended means killed.
    bytes, size: of all files; size is 0 for a file whose size is not known yet. bytes_per_second: over the last
        12 s. fastest_bytes_per_second: the most that this was in this run. seconds_left: None while nothing moves.
    to_volume: bytes that only the container's own disk has, and that are copied to the volume (MODELS_CACHE=local).
    notes: what the user should know: bundles left out, files set aside.
    bundles: in the order of the fetch: name, files, installed, failed (counts), size, bytes, seconds_left (until it is
        complete, with the bundles before it; null: nothing of it moves).
    files: bundle, dest, state (`waiting`, `fetching`, `busy`: another pod downloads it, `there`: installed, `failed`),
        how it was installed (`receipt`, `adopted`, `fetched`; `linked`, `copied`: from these disks), size, bytes,
        retries, last (the last failure that was retried), problem: None or {name, reason, remedy} of a failure;
        temporary: another run may succeed.
    """
    written = sum(each.written for each in transfers)
    total = sum(max(each.size, each.written) for each in transfers)
    moving = state == "running" and bytes_per_second >= 1
    return {
        "state": state, "at": now, "pid": pid,
        "bytes_per_second": round(bytes_per_second), "fastest_bytes_per_second": round(fastest),
        "bytes": written, "size": total,
        "seconds_left": round((total - written) / bytes_per_second) if moving else None,
        "to_volume": to_volume,
        "notes": notes,
        "bundles": [
            {
                "name": each.name, "files": each.files, "installed": each.installed, "failed": each.failed,
                "size": each.size, "bytes": each.bytes, "seconds_left": each.seconds_left,
            }
            for each in bundles
        ],
        "files": [
            {
                "bundle": each.file.bundle, "dest": each.file.dest, "state": each.state, "how": each.how,
                "size": each.size, "bytes": each.written, "retries": each.retries, "last": each.last,
                "temporary": each.temporary,
                "problem": each.problem and dict(zip(("name", "reason", "remedy"), each.problem, strict=True)),
            }
            for each in transfers
        ],
    }  # fmt: skip
