"""A: `podkeeper models wait`: returns when bundles or files are installed, or will not be; for scripts."""

from __future__ import annotations

import time
from collections.abc import Sequence

from entrypoint.models.outcome import DONE, INCOMPLETE, LATER
from entrypoint.models.report import log
from entrypoint.models.sources.model_file import File
from entrypoint.models.state_file import another_run_reports, last_record
from entrypoint.models.store import ModelStore
from entrypoint.settings.paths import Paths

_LOOK_EVERY_S = 1.0
#: Seconds for which nothing may fetch: supervisord waits up to a minute before it starts the downloads again.
_PATIENCE_S = 90.0


def wait_for(paths: Paths, files: Sequence[File], timeout_s: float, patience_s: float = _PATIENCE_S) -> int:
    """Wait until all files are installed; returns the exit code.

    DONE: they are. INCOMPLETE: one failed for good, or nothing has fetched them for `patience_s` seconds. LATER:
    `timeout_s` seconds (0: no limit) are over.
    """
    store, began = ModelStore.of(paths), time.monotonic()
    active = began
    while missing := [file for file in files if not store.installed(file)]:
        now = time.monotonic()
        record = last_record(paths.runtime)
        if record.get("state") == "waiting" or another_run_reports(paths.runtime):
            active = now
        elif problems := _final(record, missing):
            log("\n".join(problems))
            return INCOMPLETE
        elif now - active > patience_s:
            log(f"models: nothing fetches {missing[0].dest}: podkeeper models fetch {missing[0].bundle}")
            return INCOMPLETE
        if timeout_s and now - began > timeout_s:
            log(f"models: {len(missing)} of {len(files)} files are missing after {timeout_s:.0f} s")
            return LATER
        time.sleep(_LOOK_EVERY_S)
    return DONE


def _final(record: dict[str, object], missing: Sequence[File]) -> list[str]:
    """A line for each missing file that the last run could not fetch, and that another run will not, either."""
    if record.get("state") != "incomplete":
        return []
    names, files = {file.dest for file in missing}, record.get("files")
    found = [each for each in files if isinstance(each, dict)] if isinstance(files, list) else []
    problems = [(each.get("dest"), each.get("problem")) for each in found if not each.get("temporary")]
    return [
        f"models: {dest}: {problem.get('name')}: {problem.get('reason')}; {problem.get('remedy')}"
        for dest, problem in problems
        if dest in names and isinstance(problem, dict)
    ]
