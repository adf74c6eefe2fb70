"""A: state that the request handlers share: the latest snapshot, the last hour's samples, and the subscribers.

Snapshots are collected in threads: whatever a thread waits for (a volume, a driver, a service), the server keeps
responding. Without subscribers and requests, only processor, memory, GPU and disks are sampled, for the charts.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.status.collect import PROBE_TIMEOUT, Collector, Sampler, secrets
from entrypoint.status.history import INTERVAL, History
from entrypoint.status.node_work import NodeWork
from entrypoint.status.snapshot import as_json, make_snapshot
from entrypoint.status.subscribers import Patch, Subscriber, changed
from entrypoint.status.workflow_work import WorkflowWork
from entrypoint.system.readiness import ask_services

Result = TypeVar("Result")
#: Seconds between two snapshots while there are subscribers.
STREAM_INTERVAL = 2.0
#: Seconds a snapshot, and the services' probes, count as fresh.
MAX_AGE = 1.0
#: Subscribers notified before the event loop serves other connections.
BATCH = 10
#: Seconds to wait for a snapshot; after that the last one is served.
TIMEOUT = 10.0


class Live:
    """The shared state; one for the whole server."""

    def __init__(self, settings: Settings, paths: Paths) -> None:
        self.settings, self.paths = settings, paths
        self.history = History()
        self.redactor = secrets(settings, paths)
        self.node_work = NodeWork(paths, self.redactor)
        self.workflow_work = WorkflowWork(paths)
        self.subscribers: set[Subscriber] = set()
        self._collector, self._sampler = Collector(settings, paths), Sampler(paths)
        self._answers = SharedCall(self._probe)
        self._content = SharedCall(self._collect)
        self._published: dict[str, Any] = {}
        self._logged = ""

    async def content(self, max_age: float = MAX_AGE) -> dict[str, Any]:
        """`status.json`, at most `max_age` seconds old.

        Raises:
            TimeoutError: There is no snapshot yet, and none could be collected in time.
        """
        content: dict[str, Any] = await self._content.get(max_age, TIMEOUT)
        return content

    async def ready(self) -> bool:
        """Whether every enabled service responds."""
        answers = await self._answers.get(MAX_AGE, TIMEOUT)
        return all(problem is None for problem in answers.values())

    async def subscribe(self, subscriber: Subscriber) -> dict[str, Any]:
        """The current `status.json`; `subscriber` is notified of every change from now on.

        Raises:
            TimeoutError: As `content`.
        """
        content = await self.content()
        await self._publish(content)
        self.subscribers.add(subscriber)
        return content

    async def run(self) -> None:
        """Sample and publish, until cancelled."""
        due = time.monotonic()
        while True:
            try:
                if time.monotonic() >= due:
                    due = time.monotonic() + INTERVAL - STREAM_INTERVAL / 2
                    self.history.add(await in_thread(self._sampler.sample))
                if self.subscribers:
                    await self._publish(await self.content(STREAM_INTERVAL / 2))
            except (TimeoutError, OSError) as error:
                self._log_once(f"cannot collect the pod's status: {error!r}")
            await asyncio.sleep(STREAM_INTERVAL)

    def _log_once(self, text: str) -> None:
        if text != self._logged:
            self._logged = text
            print(text, flush=True)

    async def _publish(self, content: dict[str, Any]) -> None:
        """Notify the subscribers in batches; other requests are served in between."""
        parts = changed(self._published, content)
        self._published = content
        if not parts:
            return
        patch = Patch(parts)
        for number, subscriber in enumerate(tuple(self.subscribers)):
            subscriber.notify(patch)
            if number % BATCH == BATCH - 1:
                await asyncio.sleep(0)

    async def _probe(self) -> dict[str, str | None]:
        return await in_thread(ask_services, self.settings, PROBE_TIMEOUT)

    async def _collect(self) -> dict[str, Any]:
        answers = await self._answers.get(MAX_AGE, TIMEOUT)
        return await in_thread(self._snapshot, answers)

    def _snapshot(self, answers: dict[str, str | None]) -> dict[str, Any]:
        return as_json(make_snapshot(self.settings, self._collector.collect(answers)), self.redactor)


async def in_thread(function: Callable[..., Result], *arguments: Any, timeout: float = TIMEOUT) -> Result:
    """Call a function that may block, in a thread of its own: calls that never return would fill a pool.

    Raises:
        TimeoutError: The function has not returned within `timeout` seconds; its thread keeps running.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def run() -> None:
        try:
            result = function(*arguments)
        except Exception as error:
            loop.call_soon_threadsafe(resolve, done.set_exception, error)
        else:
            loop.call_soon_threadsafe(resolve, done.set_result, result)

    def resolve(setter: Callable[[Any], None], outcome: Any) -> None:
        if not done.done():  # done: the caller's wait has timed out
            setter(outcome)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wait_for(done, timeout)


class SharedCall:
    """A call whose result many callers share: one runs at a time, and its last result is kept."""

    def __init__(self, function: Callable[[], Awaitable[Any]]) -> None:
        self._function = function
        self._result: Any = None
        self._at = float("-inf")
        self._running: asyncio.Task[None] | None = None

    async def get(self, max_age: float, timeout: float) -> Any:
        """The result, at most `max_age` seconds old; after `timeout` seconds the last one, however old.

        Raises:
            TimeoutError: There is no last result.
        """
        if time.monotonic() - self._at > max_age:
            if self._running is None or self._running.done():
                self._running = asyncio.ensure_future(self._run())
            await asyncio.wait([self._running], timeout=timeout)
            error = self._running.exception() if self._running.done() else TimeoutError()
            if error is not None and (self._at == float("-inf") or not isinstance(error, TimeoutError)):
                raise error
        return self._result

    async def _run(self) -> None:
        self._result = await self._function()
        self._at = time.monotonic()
