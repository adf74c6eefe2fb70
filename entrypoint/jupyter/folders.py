"""A: JupyterLab's root folder."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from entrypoint.conditions.condition import Condition
from entrypoint.settings.paths import Paths
from entrypoint.system.condition_store import clear_condition, raise_condition

NAME = "JupyterRootElsewhere"


def choose_root(paths: Paths) -> str:
    """The data folder; where this process's user cannot open it, the nearest folder it can, with a condition."""
    root = next(folder for folder in _candidates(paths) if folder == "/" or _opens(folder))
    if root == paths.data:
        with contextlib.suppress(OSError):
            clear_condition(paths.runtime, NAME)
        return root
    reason = f"{paths.data} is missing or closed to uid {os.geteuid()}, so JupyterLab shows {root}"
    remedy = (
        f"give uid {os.geteuid()} access to {paths.stored}, or mount another volume; then: podkeeper restart jupyter"
    )
    condition = Condition(NAME, reason, remedy)
    with contextlib.suppress(OSError):
        raise_condition(paths.runtime, condition)
    print(condition, flush=True)
    return root


def _candidates(paths: Paths) -> Iterator[str]:
    for folder in dict.fromkeys((paths.data, paths.stored)):
        yield folder
        yield from (str(parent) for parent in PurePosixPath(folder).parents if str(parent) != "/")
    yield from (paths.home, tempfile.gettempdir(), "/")


def _opens(folder: str) -> bool:
    return os.path.isdir(folder) and os.access(folder, os.R_OK | os.X_OK)
