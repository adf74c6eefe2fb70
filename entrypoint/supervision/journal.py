"""The last restarts and their reasons, for whoever wants to show them (A)."""

import os
import time
from collections import deque
from typing import Any

from entrypoint.supervision.exits import Reason


class Journal:
    """`<runtime>/restarts.json`: a list, oldest first, replaced as a whole."""

    def __init__(self, runtime: str, keep: int) -> None:
        self._path = os.path.join(runtime, "restarts.json") if runtime else ""
        self._entries: deque[dict[str, Any]] = deque(maxlen=keep)

    def add(self, program: str, reason: Reason, delay: float) -> None:
        self._entries.append(
            {"time": time.time(), "program": program, "kind": reason.kind, "reason": reason.text}
        )
