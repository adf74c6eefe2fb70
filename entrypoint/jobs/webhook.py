"""A: tells a job's own webhook of its end; the program `webhooks` sends the message, as it does all others."""

from __future__ import annotations

from entrypoint.jobs.records import Record
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.notify import notify
from entrypoint.system.supervisord_rpc import start

#: Files that are named, so that a message stays below 20 kB.
_MOST_FILES = 50


def tell(settings: Settings, paths: Paths, webhook: str, record: Record) -> None:
    """Leave the message, and see to it that the program runs: without ON_DONE and ON_PROBLEM it does not."""
    content = record.as_json()
    data = {name: content[name] for name in ("id", "state", "seconds", "prompt_id", "failure")}
    data["files"] = content["files"][:_MOST_FILES]
    notify(settings, paths, f"job.{record.state}", data, webhook)
    start(paths.runtime, "webhooks")
