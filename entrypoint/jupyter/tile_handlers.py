"""A: JupyterLab's server extension behind the launcher's tiles and the meter's notification."""

from __future__ import annotations

import os
import time
from typing import Any

from jupyter_server.base.handlers import APIHandler, JupyterHandler
from tornado import web

from entrypoint.door.pass_through import ticket_address
from entrypoint.jupyter import identity, meter_handlers
from entrypoint.jupyter.tiles import description, tiles
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import Service
from entrypoint.settings.settings import Settings

#: Resource name for Jupyter's authorizer.
_RESOURCE = "podkeeper"


class Tiles(APIHandler):  # type: ignore[misc]
    """GET podkeeper/tiles: {"tiles": [{"name", "title", "caption", "svg", "path"}]} of the enabled services."""

    auth_resource = _RESOURCE

    def initialize(self, settings: Settings) -> None:
        self.pod_settings = settings

    @web.authenticated
    async def get(self) -> None:
        shown = [description(service, self.pod_settings) for service in tiles(self.pod_settings)]
        self.finish({"tiles": shown})


class OpenService(JupyterHandler):  # type: ignore[misc]
    """GET podkeeper/open/<name>: redirects to the service's own address, with a ticket that logs the browser in."""

    auth_resource = _RESOURCE

    def initialize(self, service: Service, settings: Settings) -> None:
        self.service, self.pod_settings = service, settings

    @web.authenticated
    async def get(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        now = time.time()
        self.redirect(ticket_address(self.service, self.pod_settings, self.request.host, identity.door_secret, now))


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "entrypoint.jupyter.tile_handlers"}]


def _load_jupyter_server_extension(server: Any) -> None:
    settings = Settings.from_environ(os.environ)
    base = server.web_app.settings["base_url"] + "podkeeper/"
    handlers: list[Any] = [(base + "tiles", Tiles, {"settings": settings})]
    for service in tiles(settings):
        handlers.append((f"{base}open/{service.name}", OpenService, {"service": service, "settings": settings}))
    handlers += meter_handlers.handlers(base, settings, Paths.from_environ(os.environ))
    server.web_app.add_handlers(".*$", handlers)
