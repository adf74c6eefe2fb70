"""P: which files are fetched first and which last, by the names of bundles and files that the user has put there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from entrypoint.models.sources.model_file import File

#: Names that are kept; older ones have long been fetched.
_MOST = 100


@dataclass(frozen=True, slots=True)
class Priority:
    """Names of bundles, and paths of files below the models folder."""

    first: tuple[str, ...] = ()  # fetched before all others, in this order
    later: tuple[str, ...] = ()  # fetched after all others, in this order

    @classmethod
    def read(cls, content: Mapping[str, object]) -> Priority:
        """From decoded JSON, of any shape."""
        lists = [content.get(key) for key in ("first", "later")]
        first, later = (tuple(each) if isinstance(each, list) else () for each in lists)
        first, later = (tuple(name for name in names if isinstance(name, str)) for names in (first, later))
        return cls(first[:_MOST], later[-_MOST:])

    def content(self) -> dict[str, list[str]]:
        """What `read` reads."""
        return {"first": list(self.first[:_MOST]), "later": list(self.later[-_MOST:])}

    def moved(self, name: str, *, first: bool) -> Priority:
        """With `name` before all others, or behind them."""
        front, end = (tuple(each for each in names if each != name) for names in (self.first, self.later))
        return Priority((name, *front), end) if first else Priority(front, (*end, name))

    def rank(self, file: File) -> int:
        """Below 0: before the others, above 0: behind them. What is said of a file beats what is said of its bundle."""
        for name in (file.dest, file.bundle):
            if name in self.first:
                return self.first.index(name) - len(self.first)
            if name in self.later:
                return self.later.index(name) + 1
        return 0
