"""P: the counts and errors of a pass, and the point at which it gives up."""

import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock

REFUSED_LIMIT = 64  # Refused changes without one success after which the pass gives up: the volume refuses them all.
DISCONNECTED_LIMIT = 16  # Errors of a disconnected volume after which the pass gives up.

_REFUSALS = frozenset({errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOTSUP, errno.ENOSYS})
_DISCONNECTED = frozenset({errno.ENOTCONN, errno.ESTALE})
_SWAPPED = frozenset({errno.ELOOP, errno.ENOTDIR})


@dataclass
class Counts:
    """One worker's counts, so that counting a file takes no lock; `sum_counts` adds them up."""

    folders: int = 0
    files: int = 0
    modes: int = 0
    owners: int = 0
    vanished: int = 0
    swapped: int = 0
    other_mounts: int = 0
    left: dict[str, int] = field(default_factory=dict)

    def add_left(self, reason: str) -> None:
        """Count a file that is left as it is."""
        self.left[reason] = self.left.get(reason, 0) + 1

    @property
    def changed(self) -> int:
        return self.modes + self.owners


def sum_counts(all_counts: Iterable[Counts]) -> Counts:
    """Add up the counts of all workers."""
    total = Counts()
    for counts in all_counts:
        for name in ("folders", "files", "modes", "owners", "vanished", "swapped", "other_mounts"):
            setattr(total, name, getattr(total, name) + getattr(counts, name))
        for reason, times in list(counts.left.items()):
            total.left[reason] = total.left.get(reason, 0) + times
    return total


class Errors:
    """The errors of a pass by operation and errno, with the first path as an example."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.examples: dict[str, str] = {}
        self.tripped = ""
        self._refused = 0
        self._lock = Lock()

    def add(self, tried: str, problem: OSError, path: str, counts: Counts, changed: Callable[[], int]) -> None:
        """Count an error; sets `tripped` where continuing is pointless.

        `tried`: open | read | chmod | chown. `changed` returns how many files the pass has changed so far.
        """
        number = problem.errno or 0
        if number == errno.ENOENT:
            counts.vanished += 1
        elif number == errno.EXDEV:
            counts.other_mounts += 1
        elif number in _SWAPPED:
            counts.swapped += 1
        else:
            self._count(tried, number, path, changed)

    def _count(self, tried: str, number: int, path: str, changed: Callable[[], int]) -> None:
        name = f"{tried}: {errno.errorcode.get(number, str(number))}"
        with self._lock:
            self.counts[name] = self.counts.get(name, 0) + 1
            self.examples.setdefault(name, path)
            if tried in ("chmod", "chown") and number in _REFUSALS:
                self._refused += 1
                if self._refused >= REFUSED_LIMIT and not changed():
                    self.tripped = name
            if number in _DISCONNECTED and self.counts[name] >= DISCONNECTED_LIMIT:
                self.tripped = name

    @property
    def total(self) -> int:
        return sum(list(self.counts.values()))
