"""A: the order in which files are fetched: what the user has put first (kept on the volume), then what was requested by
name, then the manifest's order of the bundles; the largest file of a bundle first."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from entrypoint.models.catalogue.priority import Priority
from entrypoint.models.catalogue.wanted import WantedBundle
from entrypoint.models.sources.model_file import File
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_table, write_json

#: Seconds after which the kept names are read again during a run.
_FRESH_S = 5.0


def read_priority(paths: Paths) -> Priority:
    """The names that the user has put first or last; none where they cannot be read."""
    return Priority.read(read_table(_path(paths)))


def put(paths: Paths, name: str, *, first: bool) -> None:
    """Keep that `name` is fetched before all others, or behind them. Raises OSError: the volume refuses."""
    os.makedirs(paths.models_state, mode=0o700, exist_ok=True)
    write_json(_path(paths), read_priority(paths).moved(name, first=first).content(), 0o600, durable=True)


class FetchOrder:
    """Ranks the files of a run; a change by the user counts from the next file on."""

    def __init__(self, paths: Paths, wanted: Sequence[WantedBundle] = ()) -> None:
        self._paths = paths
        named = sorted((each for each in wanted if each.wanted), key=lambda each: not each.explicit)
        self._bundles = {each.bundle.name: number for number, each in enumerate(named)}
        self._priority, self._read = read_priority(paths), time.monotonic()

    def rank(self, file: File) -> tuple[int, int]:
        """Files of a lower rank are fetched first."""
        if time.monotonic() - self._read > _FRESH_S:
            self._priority, self._read = read_priority(self._paths), time.monotonic()
        return self._priority.rank(file), self._bundles.get(file.bundle, len(self._bundles))


def _path(paths: Paths) -> str:
    return f"{paths.models_state}/models-order.json"
