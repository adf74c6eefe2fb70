"""A: tells a job's own webhook of its end; the program `webhooks` sends the message, as it does all others."""

from __future__ import annotations

import contextlib
import os

from entrypoint.jobs.records import Record
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_table
from entrypoint.system.notify import notify
from entrypoint.system.supervisord_rpc import Refused, call

_START_S = 5.0
#: Files that are named, so that a message stays below 20 kB.
_MOST_FILES = 50


def tell(settings: Settings, paths: Paths, webhook: str, record: Record) -> None:
    """Leave the message, and see to it that the program runs: without ON_DONE and ON_PROBLEM it does not."""
    content = record.as_json()
    data = {name: content[name] for name in ("id", "state", "seconds", "prompt_id", "failure")}
    data["files"] = content["files"][:_MOST_FILES]
    notify(settings, paths, f"job.{record.state}", data, webhook)
    _start(paths)


def resume(paths: Paths) -> None:
    """Have the messages sent that an earlier start has left on the volume."""
    folder = f"{paths.models_state}/webhooks/pending"
    with contextlib.suppress(OSError):
        if any("://" in str(read_table(f"{folder}/{name}").get("to")) for name in os.listdir(folder)):
            _start(paths)


def _start(paths: Paths) -> None:
    with contextlib.suppress(Refused, OSError):  # a fault: it runs already
        call(f"{paths.runtime}/supervisor.sock", "supervisor.startProcess", "webhooks", False, timeout=_START_S)
