"""A: the progress of `podkeeper run`: one moving line on a terminal, else a line now and then.

On stderr: stdout has the result alone.
"""

from __future__ import annotations

import sys
import time

from entrypoint.jobs.records import DONE, RUNNING, Record

#: Seconds between two lines where no terminal shows a moving one.
_EVERY_S = 10.0


class Progress:
    """Shows a job's record. `quiet`: nothing is shown."""

    def __init__(self, *, quiet: bool) -> None:
        self._terminal, self._quiet = sys.stderr.isatty(), quiet
        self._next, self._last, self._state, self._shown = time.monotonic() + 1.0, "", "", False

    def tell(self, record: Record) -> None:
        """Show how far the job is."""
        node = f", node {record.node}" if record.node else ""
        text = f"run: {record.state} {record.share:4.0%}{node}"
        now = time.monotonic()
        news = self._terminal or now >= self._next or (record.state == RUNNING != self._state)
        if self._quiet or record.state == DONE or text == self._last or not news:
            return
        self._next, self._last, self._state = now + _EVERY_S, text, record.state
        if self._terminal:
            self._shown = True
            print(f"\r\033[K{text[:79]}", end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave an empty line behind."""
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
