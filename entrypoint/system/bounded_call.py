"""A: ask something that may never answer (a dead volume, a driver that hangs) without being held by it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Silent(Exception):
    """No answer yet; the message says since when."""


class Asker(Generic[Answer]):
    """Asks one question, each time in a thread of its own, and never anew while the last is not answered."""

    def __init__(self, question: Callable[[], Answer]) -> None:
        self._question = question
        self._thread: threading.Thread | None = None
        self._began = 0.0
        self._answer: Answer
        self._error: Exception | None = None

    def ask(self, patience: float) -> Answer:
        """The answer.

        Raises:
            Silent: None within `patience` seconds.
            Exception: What the question raised.
        """
        if self._thread is None or not self._thread.is_alive():
            self._began = time.monotonic()
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        self._thread.join(patience)
        if self._thread.is_alive():
            raise Silent(f"has not answered for {time.monotonic() - self._began:.0f} s")
        if self._error is not None:
            raise self._error
        return self._answer

    def _run(self) -> None:
        try:
            self._error, self._answer = None, self._question()
        except Exception as error:
            self._error = error
