"""P: those who follow the stream, and what each has yet to be told.

A browser behind a slow line gets fewer, later messages that hold everything, instead of a queue that grows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


class Patch:
    """Parts of the status that changed. Encoded once, however many follow."""

    def __init__(self, parts: dict[str, Any]) -> None:
        self.parts = parts
        self._message = b""

    def message(self) -> bytes:
        """On the wire."""
        if not self._message:
            text = json.dumps(self.parts, separators=(",", ":"))
            self._message = event("patch", text, str(self.parts.get("at", "")))
        return self._message


class Watcher:
    """One who follows."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """`wake`: called when there is something to take."""
        self._wake = wake
        self._waiting: Patch | None = None

    def tell(self, patch: Patch) -> None:
        """Later parts replace earlier ones of the same name."""
        self._waiting = Patch(self._waiting.parts | patch.parts) if self._waiting else patch
        self._wake()

    def take(self) -> Patch | None:
        """What there is to tell, if anything."""
        taken, self._waiting = self._waiting, None
        return taken


def changed(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """The parts of `now` that are new or different."""
    return {name: part for name, part in now.items() if name not in before or before[name] != part}


def event(name: str, text: str, number: str = "") -> bytes:
    """One server-sent event (HTML standard, 9.2); `text` is one line of JSON."""
    identity = f"id: {number}\n" if number else ""
    return f"event: {name}\n{identity}data: {text}\n\n".encode()
