"""P: what a pass has seen, changed, left and failed at; and when it had better give up."""

import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock

# Refusals in a row, without one success, after which the volume is taken to refuse everything.
BREAKER = 64
# Errors that say the volume went away.
GONE = 16

_REFUSALS = frozenset({errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOTSUP, errno.ENOSYS})
_GONE = frozenset({errno.ENOTCONN, errno.ESTALE})
_SWAPPED = frozenset({errno.ELOOP, errno.ENOTDIR})


@dataclass
class Tally:
    """One worker's counts: no lock on the way of every file. `add_up` makes the sum."""

    folders: int = 0
    files: int = 0
    modes: int = 0
    owners: int = 0
    vanished: int = 0
    swapped: int = 0
    other_mounts: int = 0
    left: dict[str, int] = field(default_factory=dict)

    def leave(self, reason: str) -> None:
        self.left[reason] = self.left.get(reason, 0) + 1

    @property
    def changed(self) -> int:
        return self.modes + self.owners


def add_up(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        for name in ("folders", "files", "modes", "owners", "vanished", "swapped", "other_mounts"):
            setattr(total, name, getattr(total, name) + getattr(tally, name))
        for reason, times in list(tally.left.items()):
            total.left[reason] = total.left.get(reason, 0) + times
    return total


class Troubles:
    """Every error counted by what was tried and errno, with the first path as an example."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.examples: dict[str, str] = {}
        self.tripped = ""
        self._refused = 0
        self._lock = Lock()

    def note(self, tried: str, problem: OSError, path: str, tally: Tally, changed: Callable[[], int]) -> None:
        """`changed` says how much the pass has changed so far. Sets `tripped` when going on is pointless."""
        number = problem.errno or 0
        if number == errno.ENOENT:
            tally.vanished += 1
        elif number == errno.EXDEV:
            tally.other_mounts += 1
        elif number in _SWAPPED:
            tally.swapped += 1
        else:
            self._count(tried, number, path, changed)

    def _count(self, tried: str, number: int, path: str, changed: Callable[[], int]) -> None:
        name = f"{tried}: {errno.errorcode.get(number, str(number))}"
        with self._lock:
            self.counts[name] = self.counts.get(name, 0) + 1
            self.examples.setdefault(name, path)
            if tried in ("chmod", "chown") and number in _REFUSALS:
                self._refused += 1
                if self._refused >= BREAKER and not changed():
                    self.tripped = name
            if number in _GONE and self.counts[name] >= GONE:
                self.tripped = name

    @property
    def total(self) -> int:
        return sum(list(self.counts.values()))
