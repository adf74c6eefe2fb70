"""A: `<runtime>/reports/models.json`, the state of the downloads, for the status page (its keys: `progress.record`)."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from entrypoint.models.progress import BundleProgress, Transfer, record
from entrypoint.system.files import read_table, write_json

#: The condition of a run that has not fetched everything.
CONDITION = "ModelsIncomplete"


def write_state(
    runtime: str,
    state: str,
    transfers: Sequence[Transfer] = (),
    rate: float = 0.0,
    notes: Sequence[str] = (),
    fastest: float = 0.0,
    bundles: Sequence[BundleProgress] = (),
    to_volume: int = 0,
) -> None:
    """Replace the file. It only informs: a runtime folder that is full, or another user's, must not end a download."""
    content = record(list(transfers), state, rate, time.time(), os.getpid(), list(notes), fastest, bundles, to_volume)
    try:
        write_json(_path(runtime), content)
    except OSError:
        return


def another_run_reports(runtime: str) -> bool:
    """Whether another process is alive and reports that it fetches."""
    try:
        found = read_table(_path(runtime))
        if found.get("state") != "running" or found.get("pid") == os.getpid():
            return False
        with open(f"/proc/{int(found['pid'])}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
            return b"entrypoint.models" in words or b"entrypoint.commands.models" in words
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return False


def last_record(runtime: str) -> dict[str, Any]:
    """The record of the last run; {} where there is none."""
    return read_table(_path(runtime))


def _path(runtime: str) -> str:
    return f"{runtime}/reports/models.json"
