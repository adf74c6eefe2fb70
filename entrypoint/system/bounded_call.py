"""A: a call that may never return (a dead volume, a driver that hangs), with a bound on the wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class StillRunning(Exception):
    """The call has not returned yet; the message says for how long."""


class BoundedCall(Generic[Result]):
    """One function, called in a thread of its own; never called again while the last call has not returned."""

    def __init__(self, function: Callable[[], Result]) -> None:
        self._function = function
        self._thread: threading.Thread | None = None
        self._began = 0.0
        self._result: Result
        self._error: Exception | None = None

    def run(self, timeout: float) -> Result:
        """Call the function, or wait for the call that still runs, and return its result.

        Raises:
            StillRunning: The call has not returned within `timeout` seconds.
            Exception: What the function raised.
        """
        if self._thread is None or not self._thread.is_alive():
            self._began = time.monotonic()
            self._thread = threading.Thread(target=self._call, daemon=True)
            self._thread.start()
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise StillRunning(f"has not answered for {time.monotonic() - self._began:.0f} s")
        if self._error is not None:
            raise self._error
        return self._result

    def _call(self) -> None:
        try:
            self._error, self._result = None, self._function()
        except Exception as error:
            self._error = error
