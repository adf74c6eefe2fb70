"""A: /events: the status and its changes, as a stream of server-sent events."""

from __future__ import annotations

import asyncio
import json

from tornado.iostream import StreamClosedError

from entrypoint.status import actions, log_view
from entrypoint.status.base_handler import PrivateHandler
from entrypoint.status.live import in_thread
from entrypoint.status.subscribers import Subscriber, event

#: Seconds after which the server ends a stream and the browser opens the next: RunPod's proxy cuts it at 100.
STREAM_DURATION = 85.0
#: Seconds a browser may take to read a message.
READ_TIMEOUT = 30.0


class Events(PrivateHandler):
    """`hello`, `history` and `snapshot` once, then `patch` with the parts of status.json that changed."""

    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")
        pending = asyncio.Event()
        subscriber = Subscriber(pending.set)
        try:
            await self._send_first_events(subscriber)
            await self._send_patches(subscriber, pending)
        except (TimeoutError, StreamClosedError):
            pass  # the browser has gone or is too slow; it reconnects
        finally:
            self.live.subscribers.discard(subscriber)

    async def _send_first_events(self, subscriber: Subscriber) -> None:
        content = await self.live.subscribe(subscriber)
        try:
            since = float(self.request.headers.get("Last-Event-ID", "0"))
        except ValueError:
            since = 0.0
        past = json.dumps(self.live.history.since(since), separators=(",", ":"))
        programs = [each["name"] for each in content["services"] + content["helpers"]]
        buttons = {name: note for name, note in actions.BUTTONS.items() if name in programs}
        logs = await in_thread(log_view.existing_logs, self.live.paths.log)
        hello = {"logs": {name: title for name, (title, _) in logs.items()}, "buttons": buttons}
        first = event("hello", json.dumps(hello)) + event("history", past)
        snapshot = event("snapshot", json.dumps(content), str(content["at"]))
        await self._send(b"retry: 1000\n\n" + first + snapshot)

    async def _send_patches(self, subscriber: Subscriber, pending: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + STREAM_DURATION
        timer = loop.call_at(ends, pending.set)  # one for the stream: wait_for would make a task per message
        try:
            while loop.time() < ends:
                await pending.wait()
                pending.clear()
                patch = subscriber.take_pending()
                if patch:
                    await self._send(patch.message())
        finally:
            timer.cancel()

    async def _send(self, message: bytes) -> None:
        self.write(message)
        sent = self.flush()
        if not sent.done():  # usually the kernel takes the message at once
            await asyncio.wait_for(sent, READ_TIMEOUT)
