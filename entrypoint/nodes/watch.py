"""A: reads ComfyUI's report of the nodes that it has loaded and could not import, once it responds."""

from __future__ import annotations

import os

from entrypoint.conditions.condition import Condition
from entrypoint.nodes.import_log import import_report, summary
from entrypoint.nodes.inventory import folder_of, publish, write_report
from entrypoint.nodes.keep_lock import keep_lock
from entrypoint.nodes.left_out import left_out_file, note_response
from entrypoint.settings.paths import Paths
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.files import last_lines
from entrypoint.system.supervisord_rpc import Refused, call

NAME = "NodesNotLoaded"
#: Bytes at the end of the log in which the report is looked for: a start with 30 nodes and their tracebacks.
_TAIL = 1 << 20
#: Seconds after which a change that no folder's time shows (an update of a clone) is published.
_EVERY_S = 20.0
#: Seconds supervisord may take to stop ComfyUI; it kills after 6.
_STOP_S = 15.0


class Watch:
    """Publishes the nodes for the status page: when a folder or a record changes, else now and then."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._seen: tuple[int, ...] = ()
        self._next = 0.0

    def look(self, now: float) -> None:
        """One look; two `stat` calls where nothing has changed. Raises OSError: the runtime folder refuses."""
        seen = tuple(_changed(path) for path in (folder_of(self._paths), left_out_file(self._paths)))
        if seen != self._seen or now >= self._next:
            self._seen, self._next = seen, now + _EVERY_S
            publish(self._paths)


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def restart(paths: Paths) -> None:
    """Restart ComfyUI for the next step of the search; where supervisord refuses, the user's next restart does it."""
    socket = f"{paths.runtime}/supervisor.sock"
    try:
        call(socket, "supervisor.stopProcess", "comfyui", True, timeout=_STOP_S)
        call(socket, "supervisor.startProcess", "comfyui", False, timeout=_STOP_S)
    except (OSError, Refused) as error:
        print(f"nodes: cannot restart ComfyUI: {error}", flush=True)


def report_nodes(paths: Paths) -> None:
    """Note the report of the last start in ComfyUI's log, and raise or clear the condition.

    Raises:
        OSError: The runtime folder refuses.
    """
    report = import_report(last_lines(f"{paths.log}/comfyui.log", _TAIL))
    write_report(paths, report)
    publish(paths)
    conditions, searching = note_response(paths)
    for condition in conditions:
        raise_condition(paths.runtime, condition)
        print(f"nodes: {condition}", flush=True)
    if searching:
        restart(paths)
        return
    try:
        keep_lock(paths)
    except OSError as error:
        print(f"nodes: cannot write nodes.lock: {error.strerror}", flush=True)
    if not report.failed:
        clear_condition(paths.runtime, NAME)
        return
    names = " ".join(sorted(report.failed))
    reason = f"ComfyUI could not import custom nodes: {summary(report.failed)}"
    remedy = f"install what they need: podkeeper nodes repair {names}; or remove them"
    raise_condition(paths.runtime, Condition(NAME, reason, remedy))
    print(f"nodes: {NAME}: {reason}", flush=True)
