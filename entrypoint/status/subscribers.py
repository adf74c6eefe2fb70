"""P: subscribers of the status stream, and the changes each has not received yet.

A browser on a slow connection gets fewer, later messages that hold all changes, instead of a queue that grows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


class Patch:
    """The parts of the status that changed; encoded once for all subscribers."""

    def __init__(self, parts: dict[str, Any]) -> None:
        self.parts = parts
        self._message = b""

    def message(self) -> bytes:
        """The patch as a server-sent event."""
        if not self._message:
            text = json.dumps(self.parts, separators=(",", ":"))
            self._message = event("patch", text, str(self.parts.get("at", "")))
        return self._message


class Subscriber:
    """One reader of the stream."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """`wake`: called when a patch is pending."""
        self._wake = wake
        self._pending: Patch | None = None

    def notify(self, patch: Patch) -> None:
        """Add a patch to the pending one; its parts replace earlier parts of the same name."""
        self._pending = Patch(self._pending.parts | patch.parts) if self._pending else patch
        self._wake()

    def take_pending(self) -> Patch | None:
        """The pending patch, which the subscriber then no longer holds; None: there is none."""
        taken, self._pending = self._pending, None
        return taken


def changed(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """The parts of `now` that are new or different."""
    return {name: part for name, part in now.items() if name not in before or before[name] != part}


def event(name: str, text: str, number: str = "") -> bytes:
    """One server-sent event (HTML standard, 9.2); `text` is one line of JSON."""
    identity = f"id: {number}\n" if number else ""
    return f"event: {name}\n{identity}data: {text}\n\n".encode()
