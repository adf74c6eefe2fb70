"""A: /events: the status as it changes, as server-sent events."""

from __future__ import annotations

import asyncio
import json

from tornado.iostream import StreamClosedError

from entrypoint.status import actions, log_view
from entrypoint.status.base_handler import Private
from entrypoint.status.live import in_thread
from entrypoint.status.subscribers import Watcher, event

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
        buttons = {name: note for name, note in actions.BUTTONS.items() if name in actions_there}
        logs = await in_thread(log_view.names, self.live.paths.log)
        hello = {"logs": {name: title for name, (title, _) in logs.items()}, "buttons": buttons}
        await self._send(
            b"retry: 1000\n\n"
            + event("hello", json.dumps(hello))
            + event("history", past)
            + event("snapshot", json.dumps(content), str(content["at"]))
        )

    async def _tell(self, watcher: Watcher, news: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + STREAM_LASTS
        timer = loop.call_at(ends, news.set)  # one for all: wait_for would make a task a message
        try:
            while loop.time() < ends:
                await news.wait()
                news.clear()
                patch = watcher.take()
                if patch:
                    await self._send(patch.message())
        finally:
            timer.cancel()

    async def _send(self, message: bytes) -> None:
        self.write(message)
        sent = self.flush()
        if not sent.done():  # the rule is that the kernel takes it at once
            await asyncio.wait_for(sent, READ_WITHIN)
