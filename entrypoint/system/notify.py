"""A: leaves an event for the program `webhooks`, which sends it to ON_PROBLEM or ON_DONE.

    notify(settings, paths, "idle.countdown", {"seconds": 600, "action": "stop"})

Any program of the pod may call it, root's too; it takes less than a millisecond and never raises. `prompt.finished`
goes to ON_DONE, every other type to ON_PROBLEM. `data` must hold no secret; those that the pod knows are redacted.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from typing import Any

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_table, write_atomically
from entrypoint.system.folders import open_folder

#: Bytes of an event, at most: Standard Webhooks asks for less than 20 kB.
LARGEST = 20_000


def pending_folder(paths: Paths) -> str:
    """Where the program `webhooks` keeps the messages that wait: a JSON file each, with `to` as `is_address` has it."""
    return f"{paths.models_state}/webhooks/pending"


def is_address(to: str) -> bool:
    """Whether a message goes to an address of its own, which a job's request has named; else ON_DONE or ON_PROBLEM."""
    return "://" in to


def has_left_one(paths: Paths) -> bool:
    """Whether an earlier start has left a message to an address of its own."""
    folder = pending_folder(paths)
    with contextlib.suppress(OSError):
        return any(is_address(str(read_table(f"{folder}/{name}").get("to"))) for name in os.listdir(folder))
    return False


def notify(settings: Settings, paths: Paths, kind: str, data: Mapping[str, Any], to: str = "") -> bool:
    """Leave an event; False where webhooks are off, the event is too large, or the runtime folder refuses.

    Args:
        settings: The settings of the pod.
        paths: Where the runtime folder is.
        kind: The event's type, with dots: `idle.countdown`.
        data: What happened, as JSON can hold it.
        to: An address for this event alone, whether webhooks are on or off; "": ON_DONE or ON_PROBLEM.
    """
    if not (settings.webhooks_enabled or to):
        return False
    now = time.time()
    text = json.dumps({"type": kind, "at": now, "data": data} | ({"to": to} if to else {}))
    if len(text) > LARGEST:
        return False
    with contextlib.suppress(OSError):
        folder = open_folder(paths.events).descriptor
        try:
            name = f"{now:017.6f}-{os.urandom(6).hex()}.json"
            its = os.fstat(folder)
            owner = None if its.st_uid == os.geteuid() else (its.st_uid, its.st_gid)
            write_atomically(name, text, owner=owner, durable=False, dir_fd=folder)
            return True
        finally:
            os.close(folder)
    return False
