"""A: `<runtime>/reports/workflows.json`: what the program `workflows` does, for ComfyUI's page and the status page."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from typing import Any

from entrypoint.models.progress import Transfer, record
from entrypoint.models.report import Notes, Reporter
from entrypoint.settings.paths import STARTED, Paths
from entrypoint.system.files import read_list, read_table, write_json
from entrypoint.workflows.fetch import Fetched, Progress

#: Who asked for the work: a click in ComfyUI, or the setting WORKFLOWS.
CLICK, BOOT = "click", "boot"
#: Outcomes that are kept.
_MOST = 10


def state_file(paths: Paths) -> str:
    """The file.

    at: when it was written, seconds since 1970; pid: its writer. restart: what ComfyUI's restart, which loads new
    nodes, waits for, or ""; restarted: when that was done, or 0. job: None, or the work that runs: id, title, kind
    (CLICK, BOOT), phase (`planning`, `models`, `nodes`), models (dest, state as in models.json, bytes, size, problem),
    nodes (name, state `waiting`, `installing`, `installed`, `failed`, text), bytes_per_second, seconds_left. done: the
    last outcomes: id, title, at, code, problems, models, nodes. complete: the time of the pod's start and the places
    of WORKFLOWS, once all of them and all that they need are installed.
    """
    return f"{paths.reports}/workflows.json"


class JobState(Progress):
    """The file's writer; a runtime folder that is full must not end a download."""

    def __init__(self, paths: Paths) -> None:
        self._path = state_file(paths)
        before = read_table(self._path)
        self._done = [each for each in read_list(self._path, "done") if _is_outcome(each)]
        restarted = before.get("restarted")
        self._restarted: float = restarted if isinstance(restarted, int | float) else 0
        self._complete: Any = before.get("complete")
        self._restart = ""
        self._job: dict[str, Any] | None = None

    def begin(self, name: str, title: str, kind: str, nodes: Sequence[str] = ()) -> None:
        """A job begins."""
        waiting = [{"name": each, "state": "waiting", "text": ""} for each in sorted(nodes)]
        self._job = {"id": name, "title": title, "kind": kind, "phase": "planning", "models": [], "nodes": waiting}
        self.write()

    def reporter(self, transfers: list[Transfer], notes: Notes) -> Reporter:
        """Reports to the file, too."""
        return _JobReporter(self, transfers, notes)

    def downloads(self, transfers: list[Transfer], rate: float) -> None:
        """The downloads have come further."""
        if self._job is None:
            return
        found = record(transfers, "running", rate, 0, 0, [])
        keys = ("dest", "state", "bytes", "size", "problem")
        models = [{key: each[key] for key in keys} for each in found["files"]]
        more = {key: found[key] for key in ("bytes_per_second", "seconds_left")}
        self._job |= {"phase": "models", "models": models, **more}
        self.write()

    def node(self, wanted: str, state: str, text: str = "") -> None:
        """A node pack has another state."""
        if self._job is None:
            return
        others = [each for each in self._job["nodes"] if each["name"] != wanted]
        self._job |= {"phase": "nodes", "nodes": [*others, {"name": wanted, "state": state, "text": text}]}
        self.write()

    def end(self, done: Fetched) -> None:
        """The job has ended."""
        if self._job is not None:
            kept = {key: self._job[key] for key in ("id", "title", "models", "nodes")}
            outcome = {**kept, "at": time.time(), "code": done.code, "problems": done.problems}
            self._done = [*self._done, outcome][-_MOST:]
        self._job = None
        self.write()

    def complete(self, places: Sequence[str]) -> None:
        """WORKFLOWS is done, until the pod's next start."""
        self._complete = [os.environ.get(STARTED, ""), *places]
        self.write()

    def is_complete(self, places: Sequence[str]) -> bool:
        """Whether these places are done since the pod's start."""
        started = os.environ.get(STARTED, "")
        return bool(started) and self._complete == [started, *places]

    def restarts(self, why: str, *, done: bool = False) -> None:
        """ComfyUI's restart waits for something, or, with "", does not any more."""
        self._restart, self._restarted = why, time.time() if done else self._restarted
        self.write()

    def write(self) -> None:
        """Replace the file."""
        content = {
            "at": time.time(), "pid": os.getpid(), "job": self._job, "done": self._done, "restart": self._restart,
            "restarted": self._restarted, "complete": self._complete,
        }  # fmt: skip
        with contextlib.suppress(OSError):
            write_json(self._path, content)


def _is_outcome(value: Any) -> bool:
    """Whether an outcome in the file is one: the file may be damaged."""
    lists = ("problems", "models", "nodes")
    return isinstance(value, dict) and "id" in value and all(isinstance(value.get(key), list) for key in lists)


class _JobReporter(Reporter):
    every = 1.0  # as often as ComfyUI's page asks

    def __init__(self, state: JobState, transfers: list[Transfer], notes: Notes) -> None:
        super().__init__("", transfers, notes, terminal=False)
        self._job = state

    def _write(self, state: str) -> None:
        self._job.downloads(self._transfers, self._rate())
