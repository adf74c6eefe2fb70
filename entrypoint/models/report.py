"""A: reports a run: a line every 12 s, a record for the status page every 2 s, a bar on a terminal."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from entrypoint.models.progress import Transfer, by_bundle, line
from entrypoint.models.sources.model_file import File
from entrypoint.models.state_file import another_run_reports, write_state
from entrypoint.system.units import gigabytes

_RECORD_EVERY_S, _LINE_EVERY_S, _RATE_OVER_S = 2.0, 12.0, 12.0


def log(text: str) -> None:
    """Print a line to the log."""
    print(text, flush=True)


class Notes(list[str]):
    """What the user should know, in the log and in the record."""

    def add(self, *texts: str) -> None:
        """Log each text and keep it."""
        for text in texts:
            self.append(text)
            log(f"models: {text.removeprefix('models: ')}")


class Reporter:
    """Runs beside the downloads: `async with`; the record's last state is `state`."""

    def __init__(
        self,
        runtime: str,
        transfers: list[Transfer],
        notes: list[str],
        *,
        terminal: bool,
        rank: Callable[[File], tuple[int, ...]] = lambda _: (),
    ) -> None:
        """`runtime`: the folder of the record; "": none is written; `rank`: files of a lower one are fetched first."""
        self.rank = rank
        self.to_volume: Callable[[], int] = lambda: 0
        self._runtime, self._transfers, self._notes = runtime, transfers, notes
        self._other_run = bool(runtime) and another_run_reports(runtime)
        self._bars = _bars() if terminal else None
        self._seen: deque[tuple[float, int]] = deque()
        self._fastest = 0.0
        self._announced: set[str] = set()
        self.state = "stopped"  # until the run knows better

    async def __aenter__(self) -> Reporter:
        self._reporting = asyncio.create_task(self._report())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reporting.cancel()
        self._write(self.state)
        self._draw()
        if self._bars is not None:
            self._bars.stop()
        self._announce()

    async def _report(self) -> None:
        logged = time.monotonic()
        while True:
            self._write("running")
            if self._bars is None:
                self._announce()
            if self._bars is None and time.monotonic() - logged >= _LINE_EVERY_S:
                logged = time.monotonic()
                log(line(self._transfers, self._rate(), self.rank))
            for _ in range(8 if self._bars is not None else 1):
                self._draw()
                await asyncio.sleep(_RECORD_EVERY_S / (8 if self._bars is not None else 1))

    def _write(self, state: str) -> None:
        """Write the record, unless the run in the background writes one."""
        if self._runtime and not self._other_run:
            rate = self._rate()
            self._fastest = max(self._fastest, rate)
            bundles = by_bundle(self._transfers, rate if state == "running" else 0, self.rank)
            left = self.to_volume()
            write_state(self._runtime, state, self._transfers, rate, self._notes, self._fastest, bundles, left)

    def _announce(self) -> None:
        """Log each bundle that this run has completed."""
        bundles = by_bundle(self._transfers, 0, self.rank)
        fetched = {each.file.bundle for each in self._transfers if each.how not in ("", "receipt")}
        for each in bundles:
            if each.complete and each.name in fetched - self._announced:
                log(f"models: {each.name} is complete: {each.files} files, {gigabytes(each.size)}")
                self._announced.add(each.name)

    def _rate(self) -> float:
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
        total = sum(max(each.size, each.written) for each in self._transfers)
        written = sum(each.written for each in self._transfers)
        names = [each.file.dest.rpartition("/")[2] for each in self._transfers if each.state == "fetching"]
        self._bars.update(self._bars.task_ids[0], total=total, completed=written, description=" ".join(names)[:50])


def _bars() -> Any:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.table import Column

    # Names and bar share what the numbers leave, so that a narrow terminal has one line, too.
    names = TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"))
    bar = BarColumn(None, table_column=Column(ratio=1))
    numbers = [each(table_column=Column(no_wrap=True)) for each in (DownloadColumn, TransferSpeedColumn)]
    bars = Progress(names, bar, *numbers, TimeRemainingColumn(table_column=Column(no_wrap=True)), expand=True)
    bars.add_task("", total=None)
    bars.start()
    return bars
