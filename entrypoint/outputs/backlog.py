"""P: what is left to deliver: which files are complete, which have a receipt, and when a failed one is tried again."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from entrypoint.outputs.names import Found
from entrypoint.outputs.problems import Problem

#: Seconds for which a file must not have changed.
SETTLED_S = 2.0
#: Files and bytes of one batch. A batch is what a kill -9 can make the next start look at again.
MOST_FILES, MOST_BYTES = 64, 2 << 30
#: Seconds between two attempts for the same file: 2, doubled with each failure, up to this; half of it is random.
_LONGEST_WAIT_S = 120.0


@dataclass(slots=True)
class Failure:
    """The failed attempts for one file. `next`: when it is tried again."""

    problem: Problem
    attempts: int = 0
    next: float = 0.0


@dataclass(slots=True)
class Backlog:
    """The files of the output folder that have no receipt.

    Attributes:
        found: The files of the last look.
        waiting: Those without a receipt, oldest first.
        ready: Those of `waiting` that have not changed since the look before, and not for `SETTLED_S`.
        failures: Name -> the failed attempts.
        outages: Batches in a row of which no file arrived.
        next: When the next batch is due after those.
    """

    found: Mapping[str, Found] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    failures: dict[str, Failure] = field(default_factory=dict)
    outages: int = 0
    next: float = 0.0

    def look(self, found: Mapping[str, Found], has_receipt: Callable[[str, Found], bool], now: float) -> None:
        """Take a new look; `now`: seconds since 1970."""
        waiting = [name for name, each in found.items() if not has_receipt(name, each)]
        waiting.sort(key=lambda name: (found[name].mtime_ns, name))
        for name in [name for name in self.failures if name not in found or self.found.get(name) != found[name]]:
            del self.failures[name]
        self.ready = tuple(
            name for name in waiting if self.found.get(name) == found[name] and not _is_young(found[name], now)
        )
        self.waiting, self.found = tuple(waiting), found

    def batch(self, now: float) -> list[str]:
        """The files of the next batch: ready, and not waiting after a failure."""
        chosen: list[str] = []
        size = 0
        for name in self.ready if now >= self.next else ():
            failure = self.failures.get(name)
            if failure and failure.next > now:
                continue
            size += self.found[name].size
            if chosen and (len(chosen) == MOST_FILES or size > MOST_BYTES):
                break
            chosen.append(name)
        return chosen

    def attempted(
        self, batch: Collection[str], arrived: Collection[str], failed: Mapping[str, Problem], now: float
    ) -> None:
        """Note a batch; a file that neither arrived nor failed is gone.

        Where nothing arrived and a file has failed for the first time, the destination is down, most likely: then every
        file waits. A file that has failed before holds back no other.
        """
        self.put_off(batch)
        self.waiting = tuple(name for name in self.waiting if name not in arrived)
        for name in arrived:
            self.failures.pop(name, None)
        self.outages = 0 if arrived else self.outages + bool(failed)
        is_first = any(name not in self.failures for name in failed)
        attempts = [self.failures[name].attempts + 1 for name in failed if name in self.failures]
        wait = _wait(max(self.outages, 1, *attempts))  # one for all, so that they are a batch again
        self.next = now + wait if is_first and not arrived else 0.0
        for name, problem in failed.items():
            failure = self.failures.setdefault(name, Failure(problem))
            failure.problem, failure.attempts, failure.next = problem, failure.attempts + 1, now + wait

    def put_off(self, names: Collection[str]) -> None:
        """Let files wait for the next look."""
        self.ready = tuple(name for name in self.ready if name not in names)

    def try_now(self) -> None:
        """Let failed files be tried at once."""
        self.next = 0.0
        for failure in self.failures.values():
            failure.next = 0.0


def _wait(attempts: int) -> float:
    return random.uniform(0.5, 1) * min(_LONGEST_WAIT_S, 2.0 ** min(attempts, 10))  # noqa: S311 # no secret


def _is_young(file: Found, now: float) -> bool:
    """Whether the file changed just now; a time in the future is another clock's."""
    return 0 <= now - file.mtime_ns / 1e9 < SETTLED_S
