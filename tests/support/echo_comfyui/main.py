"""Stands in for ComfyUI behind JupyterLab's tiles: a WebSocket, uploads, a stream, and what arrives at all."""

import argparse
import asyncio
import json

from tornado import web, websocket

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=8188)
known, _ = parser.parse_known_args()


class Stats(web.RequestHandler):
    """The health address."""

    def get(self) -> None:
        self.finish({"system": {}, "devices": []})


class Echo(web.RequestHandler):
    """The request that arrives, as JSON: method, path, query, headers, length of the body."""

    def answer(self, path: str) -> None:
        self.set_header("X-From-Behind", "yes")
        self.set_cookie("behind", "1")
        seen = {"path": path, "query": self.request.query, "length": len(self.request.body)}
        self.finish(json.dumps({**seen, "method": self.request.method, "headers": dict(self.request.headers)}))

    get = post = put = delete = answer


class Slow(web.RequestHandler):
    """One line at once; the rest after a request for /go."""

    go = asyncio.Event()

    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self.write("data: first\n\n")
        await self.flush()
        await Slow.go.wait()
        self.write("data: last\n\n")


class Go(web.RequestHandler):
    def get(self) -> None:
        Slow.go.set()


class Socket(websocket.WebSocketHandler):
    """A WebSocket that sends every message back, text as text and bytes as bytes."""

    def on_message(self, message: str | bytes) -> None:
        self.write_message(message, binary=isinstance(message, bytes))


class Front(web.RequestHandler):
    def get(self) -> None:
        self.finish("<!doctype html><title>Behind</title><h1>Behind the tile</h1>")


async def main() -> None:
    application = web.Application(
        [
            ("/", Front),
            ("/system_stats", Stats),
            ("/ws", Socket),
            ("/slow", Slow),
            ("/go", Go),
            ("/(echo.*)", Echo),
        ],
        websocket_max_message_size=64 << 20,
    )
    application.listen(known.port, "0.0.0.0", max_body_size=1 << 30, max_buffer_size=1 << 30)
    await asyncio.Event().wait()


asyncio.run(main())
