"""A: what the handlers share: the latest look at the pod, the last hour's samples, and those who follow.

Looks are made in threads: whatever they wait for (a volume, a driver, a service), the page goes on to answer. While
nobody follows or asks, nothing is looked at but processor, memory and GPU, for the charts.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.status.collect import ANSWER_TIMEOUT, Collector, Sampler, secrets
from entrypoint.status.history import EVERY, History
from entrypoint.status.snapshot import as_json, make_snapshot
from entrypoint.status.subscribers import Patch, Watcher, changed
from entrypoint.system.readiness import ask_services

Result = TypeVar("Result")
#: Seconds between two looks while somebody follows.
FOLLOW_EVERY = 2.0
#: Seconds a look, and the services' answers, are as good as new.
FRESH = 1.0
#: Followers that are told between two looks at the other connections.
AT_ONCE = 10
#: Seconds a look may take; then the last one has to do.
PATIENCE = 10.0


class Live:
    """One for the whole server."""

    def __init__(self, settings: Settings, paths: Paths) -> None:
        self.settings, self.paths = settings, paths
        self.history = History()
        self.redactor = secrets(settings, paths)
        self.watchers: set[Watcher] = set()
        self._collector, self._sampler = Collector(settings, paths), Sampler(paths)
        self._answers = Shared(self._ask)
        self._content = Shared(self._look)
        self._told: dict[str, Any] = {}
        self._complaint = ""

    async def content(self, fresh: float = FRESH) -> dict[str, Any]:
        """`status.json`, at most `fresh` seconds old.

        Raises:
            TimeoutError: There is none yet, and none to be had.
        """
        content: dict[str, Any] = await self._content.get(fresh, PATIENCE)
        return content

    async def ready(self) -> bool:
        """Whether every service that is switched on answers."""
        answers = await self._answers.get(FRESH, PATIENCE)
        return all(problem is None for problem in answers.values())

    async def follow(self, watcher: Watcher) -> dict[str, Any]:
        """How things are; of what changes from now on, `watcher` is told.

        Raises:
            TimeoutError: As `content`.
        """
        content = await self.content()
        await self._tell(content)
        self.watchers.add(watcher)
        return content

    async def run(self) -> None:
        """Sample and tell, until cancelled."""
        due = time.monotonic()
        while True:
            try:
                if time.monotonic() >= due:
                    due = time.monotonic() + EVERY - FOLLOW_EVERY / 2
                    self.history.add(await in_thread(self._sampler.look))
                if self.watchers:
                    await self._tell(await self.content(FOLLOW_EVERY / 2))
            except (TimeoutError, OSError) as error:
                self._complain(f"cannot look at the pod: {error!r}")
            await asyncio.sleep(FOLLOW_EVERY)

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            self._complaint = text
            print(text, flush=True)

    async def _tell(self, content: dict[str, Any]) -> None:
        """A few at a time: who asks something else meanwhile is answered in between."""
        parts = changed(self._told, content)
        self._told = content
        if not parts:
            return
        patch = Patch(parts)
        for number, watcher in enumerate(tuple(self.watchers)):
            watcher.tell(patch)
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)

    async def _ask(self) -> dict[str, str | None]:
        return await in_thread(ask_services, self.settings, ANSWER_TIMEOUT)

    async def _look(self) -> dict[str, Any]:
        answers = await self._answers.get(FRESH, PATIENCE)
        return await in_thread(self._look_now, answers)

    def _look_now(self, answers: dict[str, str | None]) -> dict[str, Any]:
        return as_json(make_snapshot(self.settings, self._collector.look(answers)), self.redactor)


async def in_thread(work: Callable[..., Result], *arguments: Any, patience: float = PATIENCE) -> Result:
    """Do something that may wait, in a thread of its own: a pool would soon be full of those that wait for ever.

    Raises:
        TimeoutError: It is not done within `patience` seconds; the thread goes on alone.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def run() -> None:
        try:
            result = work(*arguments)
        except Exception as error:
            loop.call_soon_threadsafe(settle, done.set_exception, error)
        else:
            loop.call_soon_threadsafe(settle, done.set_result, result)

    def settle(set_it: Callable[[Any], None], outcome: Any) -> None:
        if not done.done():  # nobody waits any more
            set_it(outcome)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wait_for(done, patience)


class Shared:
    """The result of an errand that many want and one runs."""

    def __init__(self, errand: Callable[[], Awaitable[Any]]) -> None:
        self._errand = errand
        self._result: Any = None
        self._at = float("-inf")
        self._running: asyncio.Task[None] | None = None

    async def get(self, fresh: float, patience: float) -> Any:
        """The result, at most `fresh` seconds old; after `patience` seconds the last one, however old.

        Raises:
            TimeoutError: There is no last one.
        """
        if time.monotonic() - self._at > fresh:
            if self._running is None or self._running.done():
                self._running = asyncio.ensure_future(self._run())
            await asyncio.wait([self._running], timeout=patience)
            error = self._running.exception() if self._running.done() else TimeoutError()
            if error is not None and (self._at == float("-inf") or not isinstance(error, TimeoutError)):
                raise error
        return self._result

    async def _run(self) -> None:
        self._result = await self._errand()
        self._at = time.monotonic()
