"""A: /events: the status as it changes, as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time

from tornado.iostream import StreamClosedError

from entrypoint.status import actions, log_view
from entrypoint.status.handler import Private
from entrypoint.status.live import in_thread
from entrypoint.status.watchers import Watcher, event

#: Seconds after which a stream ends by itself and the browser opens the next: RunPod's proxy would cut it at 100.
STREAM_LASTS = 85.0
#: Seconds a browser may take to read what it was sent.
READ_WITHIN = 30.0


class Events(Private):
    """`hello`, `history` and `snapshot` once, then `patch` with the parts of status.json that changed."""

    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")
        news = asyncio.Event()
        watcher = Watcher(news.set)
        try:
            await self._greet(watcher)
            await self._tell(watcher, news)
        except (TimeoutError, StreamClosedError):
            pass  # gone, or too slow: the browser comes again
        finally:
            self.live.watchers.discard(watcher)

    async def _greet(self, watcher: Watcher) -> None:
        content = await self.live.follow(watcher)
        try:
            since = float(self.request.headers.get("Last-Event-ID", "0"))
        except ValueError:
            since = 0.0
        past = json.dumps(self.live.history.since(since), separators=(",", ":"))
        actions_there = [each["name"] for each in content["services"] + content["helpers"]]
        buttons = [name for name in actions.PROGRAMS if name in actions_there]
        logs = await in_thread(log_view.names, self.live.paths.log)
        hello = {"logs": {name: title for name, (title, _) in logs.items()}, "buttons": buttons}
        await self._send(
            "retry: 1000\n\n",
            event("hello", json.dumps(hello)),
            event("history", past),
            event("snapshot", json.dumps(content), str(content["at"])),
        )

    async def _tell(self, watcher: Watcher, news: asyncio.Event) -> None:
        ends = time.monotonic() + STREAM_LASTS
        while (left := ends - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), left)
            news.clear()
            patch = watcher.take()
            if patch:
                await self._send(event("patch", patch.text(), str(patch.parts.get("at", ""))))

    async def _send(self, *texts: str) -> None:
        self.write("".join(texts))
        await asyncio.wait_for(self.flush(), READ_WITHIN)
