"""Stands in for ComfyUI behind the gateway: what an attack would change, streams of any size, a WebSocket.

usage: main.py --port N [--base-directory DIR] ...
"""

import argparse
import asyncio
import json
import pathlib
import signal
import sys
from typing import Any

import tornado.web
import tornado.websocket

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=8188)
parser.add_argument("--base-directory", type=pathlib.Path, default=pathlib.Path())
known, _ = parser.parse_known_args()
QUEUE: list[Any] = []
SOCKETS: list[str] = []
HANGING: list[str] = []
MIB = 1 << 20


class Page(tornado.web.RequestHandler):
    """The user interface."""

    def get(self) -> None:
        self.set_header("X-Sec-Fetch-Site", self.request.headers.get("Sec-Fetch-Site", ""))
        self.write("<!doctype html><title>ComfyUI</title><h1>the real thing</h1>")

    def head(self) -> None:
        """As aiohttp does."""


class Stats(tornado.web.RequestHandler):
    def get(self) -> None:
        self.write({"system": {"comfyui_version": "0.0.0-fake"}, "devices": []})


class Queue(tornado.web.RequestHandler):
    """GET /queue; GET and POST /prompt."""

    def get(self) -> None:
        if self.request.path == "/prompt":
            self.write({"exec_info": {"queue_remaining": 0}})
        else:
            self.write({"queue_running": [], "queue_pending": QUEUE, "sockets": SOCKETS, "hanging": HANGING})

    head = get

    def post(self) -> None:
        QUEUE.append(self.request.body.decode(errors="replace"))
        self.write({"prompt_id": str(len(QUEUE)), "number": len(QUEUE)})


class Reboot(tornado.web.RequestHandler):
    """GET /manager/reboot: an address with an effect, as ComfyUI-Manager has them."""

    def get(self) -> None:
        QUEUE.append("rebooted")


class Image(tornado.web.RequestHandler):
    """POST /upload/image."""

    def post(self) -> None:
        folder = known.base_directory / "input"
        folder.mkdir(parents=True, exist_ok=True)
        for name, files in self.request.files.items():
            (folder / files[0]["filename"]).write_bytes(files[0]["body"])
            self.write({"name": files[0]["filename"], "field": name})


class Echo(tornado.web.RequestHandler):
    """What of a request gets here."""

    def get(self) -> None:
        self.write({"uri": self.request.uri, "headers": dict(self.request.headers.get_all())})

    post = get


class Hostile(tornado.web.RequestHandler):
    """Response headers of a node that wants more than its page: another login, no logins, a worker for everything."""

    def get(self) -> None:
        self.set_header("Set-Cookie", "__Host-podkeeper-12345678=evil; Path=/; Secure")
        self.set_header("Clear-Site-Data", '"cookies"')
        self.set_header("Service-Worker-Allowed", "/")
        self.set_header("X-Accel-Redirect", "/podkeeper/conditions/")
        self.write("hostile")


class Accel(tornado.web.RequestHandler):
    """GET /accel?to=ADDRESS: asks the door for another address in this one's place."""

    def get(self) -> None:
        self.set_header("X-Accel-Redirect", self.get_query_argument("to"))


@tornado.web.stream_request_body
class Sink(tornado.web.RequestHandler):
    """Takes a body of any size; says how much came, and when the first of it came."""

    def prepare(self) -> None:
        self.bytes = 0
        self.request.connection.set_max_body_size(1 << 40)  # type: ignore[union-attr]

    def data_received(self, chunk: bytes) -> None:
        self.bytes += len(chunk)

    def post(self) -> None:
        self.write({"bytes": self.bytes})


class Source(tornado.web.RequestHandler):
    """GET /source/N: N MiB."""

    async def get(self, size: str) -> None:
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Length", str(int(size) * MIB))
        block = bytes(MIB)
        for _ in range(int(size)):
            self.write(block)
            await self.flush()


class Small(tornado.web.RequestHandler):
    """GET /source-1k."""

    def get(self) -> None:
        self.write(bytes(1024))


class Slow(tornado.web.RequestHandler):
    """A line now, the next one later: the first must not wait for the second."""

    async def get(self) -> None:
        self.write("first\n")
        await self.flush()
        await asyncio.sleep(30)
        self.write("second\n")


class Hang(tornado.web.RequestHandler):
    """Never answers."""

    async def get(self) -> None:
        HANGING.append("one")
        await asyncio.sleep(3600)


class Socket(tornado.websocket.WebSocketHandler):
    """The WebSocket that progress comes through."""

    def check_origin(self, origin: str) -> bool:
        """As ComfyUI behind Host and Origin that match nothing."""
        return True

    def open(self, *arguments: str, **named: str) -> None:
        SOCKETS.append(self.request.headers.get("Origin", "none"))
        self.write_message(json.dumps({"type": "status", "data": {"sid": "1"}}))

    def on_message(self, message: str | bytes) -> None:
        self.write_message(message, binary=isinstance(message, bytes))


async def main() -> None:
    print("fake: arguments", sys.argv[1:], flush=True)
    application = tornado.web.Application(
        [
            (r"/", Page), (r"/system_stats", Stats), (r"/queue|/prompt", Queue), (r"/upload/image", Image),
            (r"/manager/reboot", Reboot),
            (r"/echo.*", Echo), (r"/hostile", Hostile), (r"/accel", Accel),
            (r"/workflow/(?:plan|fetch|state)", Echo), (r"/podkeeper/workflow.*", Echo),
            (r"/sink", Sink), (r"/source/(\d+)", Source), (r"/slow", Slow), (r"/source-1k", Small),
            (r"/hang", Hang), (r"/ws", Socket),
        ]
    )  # fmt: skip
    application.listen(known.port, "127.0.0.1", max_buffer_size=1 << 30)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    await stop.wait()
    print("fake: stopped cleanly by SIGINT", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
