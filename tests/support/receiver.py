"""A receiver of webhooks: it records requests, and responds with the statuses that it is given."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Received(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """`statuses`: those of the next responses; then 204. A 3xx leads to `redirect`. `pages`: path -> JSON of a GET."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.statuses: list[int] = []
        self.redirect = ""
        self.pages: dict[str, bytes] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"receiver": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fields = {name.lower(): text for name, text in self.headers.items()}
        self.receiver.received.append(Received(self.path, fields, body))
        status = self.receiver.statuses.pop(0) if self.receiver.statuses else 204
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", self.receiver.redirect)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        page = self.receiver.pages.get(self.path.partition("?")[0])
        if page is None:
            self.receiver.received.append(Received(self.path, {}, b""))
        self.send_response(200 if page is not None else 404)
        self.send_header("Content-Length", str(len(page or b"")))
        self.end_headers()
        self.wfile.write(page or b"")

    def log_message(self, *arguments: object) -> None:
        """Quiet."""
