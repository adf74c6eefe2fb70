"""A: JupyterLab's server extension behind the tiles: a proxy of HTTP and WebSockets to the pod's other servers.

Not jupyter-server-proxy, which adds aiohttp and simpervisor to JupyterLab's start (bench/boot). JupyterLab's identity
provider authenticates every request, WebSockets included, so the origin guard applies here, too.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlencode

from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from tornado import httputil, web
from tornado.websocket import WebSocketHandler

from entrypoint.jupyter.tiles import HOP_BY_HOP, description, starting_page, tiles, upstream_headers, upstream_query
from entrypoint.settings.services import Service
from entrypoint.settings.settings import Settings

#: Bytes of one response: videos.
_MAX_BODY = 64 << 30
#: Resource name for Jupyter's authorizer.
_RESOURCE = "podkeeper"


class Tiles(APIHandler):  # type: ignore[misc]
    """GET podkeeper/tiles: {"tiles": [{"name", "title", "caption", "svg"}]} of the enabled services."""

    auth_resource = _RESOURCE

    def initialize(self, services: list[Service]) -> None:
        self.services = services

    @web.authenticated
    async def get(self) -> None:
        self.finish({"tiles": [description(service) for service in self.services]})


class ServiceProxy(WebSocketHandler, JupyterHandler):  # type: ignore[misc]
    """podkeeper/<name>/<path>: the response of the service's own server."""

    auth_resource = _RESOURCE
    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

    def initialize(self, service: Service, port: int, base: str) -> None:
        self.service, self.port, self.base = service, port, base
        self.upstream: Any = None
        self.client_gone = False

    async def prepare(self) -> None:
        """Refuse a request without the login; redirect a browser that asks for HTML to the login form."""
        page = "text/html" in self.request.headers.get("Accept", "")
        upgrade = self.request.headers.get("Upgrade", "").lower() == "websocket"
        result = JupyterHandler.prepare(self, _redirect_to_login=False)
        if isinstance(result, Awaitable):
            await result
        user = self.current_user
        if not user and page and not upgrade and self.request.method == "GET":
            self.redirect(f"{self.get_login_url()}?{urlencode({'next': self.request.path})}")
        elif not user or not await ensure_async(self.authorizer.is_authorized(self, user, "execute", _RESOURCE)):
            raise web.HTTPError(403)

    async def get(self, path: str | None) -> None:
        if path is None:  # without the slash, the page's relative URLs would resolve one folder up
            self.redirect(f"{self.request.path}/{upstream_query(self.request.query)}")
        elif self.request.headers.get("Upgrade", "").lower() == "websocket":
            await self._connect()
            await WebSocketHandler.get(self)
        else:
            await self._proxy(path)

    async def _proxy(self, _: str | None) -> None:
        """Proxy one HTTP exchange; the response is streamed, so that events and videos pass."""
        from tornado.httpclient import HTTPRequest
        from tornado.simple_httpclient import SimpleAsyncHTTPClient

        client = SimpleAsyncHTTPClient(force_instance=True, max_body_size=_MAX_BODY, max_buffer_size=64 << 20)
        method = self.request.method or "GET"
        request = HTTPRequest(
            f"http://{self._target()}", method, self._upstream_headers(),
            body=self.request.body if method not in ("GET", "HEAD") else None,
            allow_nonstandard_methods=True, follow_redirects=False, decompress_response=False,
            connect_timeout=5, request_timeout=0,
            header_callback=self._on_header, streaming_callback=self._on_chunk,
        )  # fmt: skip
        self._started = False
        try:
            await client.fetch(request, raise_error=False)
        except Exception as error:  # any error of a server that is down or cuts the connection
            if not self._started:
                self._send_unavailable(error)
        finally:
            client.close()
        if not self._finished:
            await self.finish()

    post = put = patch = delete = head = options = _proxy

    def _send_unavailable(self, error: Exception) -> None:
        """Respond with 502; to a browser with 200 and a page that reloads: Cloudflare replaces every 5xx by its own."""
        if self.request.method != "GET" or "text/html" not in self.request.headers.get("Accept", ""):
            raise web.HTTPError(502, f"{self.service.title} does not answer: {error}") from error
        self.set_header("X-Podkeeper", "starting")
        self.set_header("Cache-Control", "no-store")
        self.write(starting_page(self.service.title))

    def _on_header(self, line: str) -> None:
        line = line.rstrip("\r\n")
        if line.startswith("HTTP/") and ":" not in line.split(" ", 1)[0]:
            self._started = True
            self.clear_header("Content-Type")
            self.set_status(httputil.parse_response_start_line(line).code)
        elif line:
            name, _, text = line.partition(":")
            if name.lower() == "set-cookie":
                self.add_header(name, text.strip())
            elif name.lower() not in HOP_BY_HOP:
                self.set_header(name, text.strip())

    def _on_chunk(self, chunk: bytes) -> Any:
        if self.client_gone:
            raise ConnectionError("the browser has disconnected")  # ends the upstream exchange, too
        self.write(chunk)
        return self.flush()

    def on_connection_close(self) -> None:
        self.client_gone = True
        super().on_connection_close()

    def _target(self) -> str:
        """Host, port and path of the upstream request; the path as received, because Tornado's argument is decoded."""
        path = self.request.path.removeprefix(self.base).lstrip("/")
        return f"127.0.0.1:{self.port}/{path}{upstream_query(self.request.query)}"

    def _upstream_headers(self) -> httputil.HTTPHeaders:
        token = self.identity_provider.token if self.service.tile and self.service.tile.takes_token else ""
        headers = httputil.HTTPHeaders()
        for name, text in upstream_headers(list(self.request.headers.get_all()), token):
            headers.add(name, text)
        return headers

    # -- WebSockets

    async def _connect(self) -> None:
        """Connect to the upstream server, before the browser's handshake is completed."""
        from tornado.httpclient import HTTPRequest
        from tornado.websocket import websocket_connect

        requested = self.request.headers.get("Sec-WebSocket-Protocol", "")
        request = HTTPRequest(f"ws://{self._target()}", headers=self._upstream_headers(), connect_timeout=5)
        try:
            self.upstream = await websocket_connect(
                request, on_message_callback=self._on_upstream_message, max_message_size=self.max_message_size,
                subprotocols=[part.strip() for part in requested.split(",")] if requested else None,
            )  # fmt: skip
        except Exception as error:
            raise web.HTTPError(502, f"{self.service.title} does not answer: {error}") from error

    @property
    def max_message_size(self) -> int:
        """In bytes; a workflow with pictures in it is one message."""
        return 256 << 20

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return self.upstream.selected_subprotocol if self.upstream else None

    def check_origin(self, origin: str) -> bool:
        """Allow: the identity provider has already refused foreign pages (see door/guard.py)."""
        return True

    def open(self, *_: Any) -> None:
        """Do nothing: both connections are open."""

    def _on_upstream_message(self, message: str | bytes | None) -> None:
        if message is None:
            self.close()
        elif self.ws_connection is not None and not self.ws_connection.is_closing():
            self.write_message(message, binary=isinstance(message, bytes))

    def on_message(self, message: str | bytes) -> Any:
        return self.upstream.write_message(message, binary=isinstance(message, bytes))

    def on_close(self) -> None:
        if self.upstream is not None:
            self.upstream.close()


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "entrypoint.jupyter.tile_proxy"}]


def _load_jupyter_server_extension(server: Any) -> None:
    settings = Settings.from_environ(os.environ)
    services = tiles(settings)
    base = server.web_app.settings["base_url"] + "podkeeper/"
    handlers: list[Any] = [(base + "tiles", Tiles, {"services": services})]
    for service in services:
        prefix = base + service.name
        arguments = {"service": service, "port": service.port(settings), "base": prefix}
        handlers.append((f"{prefix}(?:/(.*))?", ServiceProxy, arguments))
    server.web_app.add_handlers(".*$", handlers)
