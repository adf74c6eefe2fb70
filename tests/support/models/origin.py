"""A hub and its CDN on this machine, with faults to order.

The hub answers `/<owner>/<repo>/resolve/<revision>/<name>` with a redirect to a signed address at the CDN, as
Hugging Face does; `/plain/<name>` serves the bytes itself. A fault is a function that sees the request and how
many came before it on that side, and answers in the stead of the origin, or returns None.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Fault = Callable[["Origin", web.Request, int], Awaitable[web.StreamResponse | None]]


@dataclass(frozen=True)
class Hit:
    """One request that arrived."""

    side: str
    method: str
    path: str
    range: str
    authorization: str


@dataclass
class Origin:
    """Runs in a thread of its own; `with Origin() as origin`."""

    files: dict[str, bytes] = field(default_factory=dict)
    hub_fault: Fault | None = None
    cdn_fault: Fault | None = None
    linked: bool = True
    piece: int = 64 << 10
    delay: float = 0.0
    signature: int = 1
    version: str = "v1"
    hits: list[Hit] = field(default_factory=list)
    sent: int = 0

    def __enter__(self) -> Origin:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> None:
        self._runners, ports = [], []
        for handler in (self._hub, self._cdn):
            app = web.Application()
            app.router.add_route("*", "/{tail:.*}", handler)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self._runners.append(runner)
            ports.append(runner.addresses[0][1])
        self.hub_url, self.cdn_url = (f"http://127.0.0.1:{port}" for port in ports)

    async def _stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()

    def put(self, name: str, content: bytes) -> str:
        """Serve `content` as `name`; return its sha256."""
        self.files[name] = content
        return hashlib.sha256(content).hexdigest()

    def requests(self, side: str) -> list[Hit]:
        return [hit for hit in self.hits if hit.side == side]

    async def _arrived(self, side: str, request: web.Request, fault: Fault | None) -> web.StreamResponse | None:
        before = len(self.requests(side))
        self.hits.append(
            Hit(side, request.method, request.path_qs, request.headers.get("Range", ""),
                request.headers.get("Authorization", ""))
        )  # fmt: skip
        return await fault(self, request, before) if fault else None

    async def _hub(self, request: web.Request) -> web.StreamResponse:
        response = await self._arrived("hub", request, self.hub_fault)
        if response is not None:
            return response
        name = request.path.rpartition("/")[2]
        if name not in self.files:
            return web.Response(status=404)
        if request.path.startswith("/plain/"):
            return await self.serve(request, self.files[name])
        return self.redirect(name)

    def redirect(self, name: str) -> web.Response:
        headers = {"Location": f"{self.cdn_url}/{name}?sig={self.signature}"}
        if self.linked:
            content = self.files[name]
            headers["X-Linked-Size"] = str(len(content))
            headers["X-Linked-Etag"] = f'"{hashlib.sha256(content).hexdigest()}"'
        return web.Response(status=302, headers=headers)

    async def _cdn(self, request: web.Request) -> web.StreamResponse:
        response = await self._arrived("cdn", request, self.cdn_fault)
        if response is not None:
            return response
        if request.query.get("sig") != str(self.signature):
            return web.Response(status=403)
        return await self.serve(request, self.files[request.path.rpartition("/")[2]])

    async def serve(
        self, request: web.Request, content: bytes, *, shift: int = 0, ranges: bool = True, cut: int | None = None,
        length: bool = True, headers: dict[str, str] | None = None, drip: bool = False,
    ) -> web.StreamResponse:  # fmt: skip
        """The bytes, as a good origin or with a twist."""
        first, end, status = 0, len(content), 200
        common = {"ETag": f'"{self.version}"', "Content-Type": "application/octet-stream"}
        if ranges and (wanted := request.headers.get("Range")):
            start, _, last = wanted.removeprefix("bytes=").partition("-")
            first, end, status = int(start), min(int(last or len(content)) + 1, len(content)), 206
            if first >= len(content):
                return web.Response(status=416)
            common["Content-Range"] = f"bytes {first + shift}-{end + shift - 1}/{len(content)}"
        body = content[first:end]
        response = web.StreamResponse(status=status, headers=common | (headers or {}))
        if length:
            response.content_length = len(body)
        else:
            response.enable_chunked_encoding()
        await response.prepare(request)
        size, delay = (10, 0.1) if drip else (self.piece, self.delay)
        for at in range(0, len(body) if cut is None else min(cut, len(body)), size):
            piece = body[at : min(at + size, len(body) if cut is None else cut)]
            await response.write(piece)
            self.sent += len(piece)
            if delay:
                await asyncio.sleep(delay)
        if cut is not None and cut < len(body):
            drop(request)
            return response
        await response.write_eof()
        return response


def drop(request: web.Request) -> None:
    """Close the connection in the middle."""
    transport: Any = request.transport
    if transport is not None:
        transport.abort()
