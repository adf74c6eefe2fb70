"""A: tells how the fetch goes: a line every 12 s, a record for the status page every 2 s, a bar on a terminal."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

from entrypoint.models.progress import Transfer, line
from entrypoint.models.state_file import somebody_else_runs, write_state

_RECORD_EVERY_S, _LINE_EVERY_S, _RATE_OVER_S = 2.0, 12.0, 12.0


def say(text: str) -> None:
    """To the log."""
    print(text, flush=True)


class Reporter:
    """Runs beside the fetch. `runtime`: where the record goes; "": nowhere."""

    def __init__(self, runtime: str, transfers: list[Transfer], notes: list[str], *, terminal: bool) -> None:
        self._runtime, self._transfers, self._notes = runtime, transfers, notes
        self._others = bool(runtime) and somebody_else_runs(runtime)
        self._bars = _bars() if terminal else None
        self._seen: deque[tuple[float, int]] = deque()

    async def run(self) -> None:
        """Until cancelled."""
        said = 0.0
        began = time.monotonic()
        while True:
            self.write("running")
            if self._bars is None and time.monotonic() - max(said, began) >= _LINE_EVERY_S:
                said = time.monotonic()
                say(line(self._transfers, self.rate()))
            for _ in range(8 if self._bars is not None else 1):
                self._draw()
                await asyncio.sleep(_RECORD_EVERY_S / (8 if self._bars is not None else 1))

    def write(self, state: str) -> None:
        """The record, unless the run in the background is writing one."""
        if self._runtime and not self._others:
            write_state(self._runtime, state, self._transfers, self.rate(), self._notes)

    def end(self, state: str) -> None:
        self.write(state)
        self._draw()
        if self._bars is not None:
            self._bars.stop()

    def rate(self) -> float:
        """Bytes a second over the last while."""
        now, received = time.monotonic(), sum(each.received for each in self._transfers)
        self._seen.append((now, received))
        while now - self._seen[0][0] > _RATE_OVER_S and len(self._seen) > 2:
            self._seen.popleft()
        since, before = self._seen[0]
        return (received - before) / (now - since) if now > since else 0.0

    def _draw(self) -> None:
        if self._bars is None:
            return
        total = sum(max(each.size, each.there) for each in self._transfers)
        there = sum(each.there for each in self._transfers)
        going = [each.file.dest.rpartition("/")[2] for each in self._transfers if each.state == "fetching"]
        self._bars.update(self._bars.task_ids[0], total=total, completed=there, description=" ".join(going)[:50])


def _bars() -> Any:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bars = Progress(*columns, TimeRemainingColumn())
    bars.add_task("", total=None)
    bars.start()
    return bars
