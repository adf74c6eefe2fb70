"""A: the HTTP server: its paths, their handlers, and the page's files."""

from __future__ import annotations

import os
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application

from entrypoint.status import handlers, job_handlers, node_handlers, queue_handlers, workflow_handlers
from entrypoint.status.base_handler import NotFound, PrivateHandler
from entrypoint.status.events import Events
from entrypoint.status.live import Live
from entrypoint.status.login import Login
from entrypoint.system.files import read_text

PAGE = os.path.join(os.path.dirname(__file__), "page")
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


class File(PrivateHandler):
    """A file of the page."""

    def initialize(self, live: Live, login: Login, name: str = "") -> None:
        super().initialize(live, login)
        self.name = name

    def get(self) -> None:
        self.set_header("Content-Type", TYPES[os.path.splitext(self.name)[1]])
        self.set_header("Cache-Control", "no-cache")  # revalidated each time, with 304 as the response
        self.finish(_read(self.name))


def application(live: Live, login: Login) -> Application:
    """The application: every path with its handler."""
    common: dict[str, Any] = {"live": live, "login": login}
    files = [name for name in os.listdir(PAGE) if os.path.splitext(name)[1] in TYPES]
    return Application(
        [
            (r"/healthz", handlers.Healthz, common),
            (r"/readyz", handlers.Readyz, common),
            (r"/status\.json", handlers.StatusJson, common),
            (r"/metrics", handlers.Metrics, common),
            (r"/events", Events, common),
            (r"/logs/([a-z]+)", handlers.Log, common),
            (r"/programs/([a-z]+)/([a-z]+)", handlers.ProgramAction, common),
            (r"/open/([a-z]+)", handlers.OpenService, common),
            (r"/keep", handlers.Keep, common),
            (r"/bundles", handlers.Bundles, common),
            (r"/bundles/([A-Z0-9_]+)/fetch", handlers.FetchBundle, common),
            (r"/bundles/([A-Z0-9_]+)/(first|later)", handlers.MoveBundle, common),
            (r"/nodes/outdated", node_handlers.Outdated, common),
            (r"/nodes/([^/]+)/(repair|try|update)", node_handlers.NodeAction, common),
            (r"/queue/(restore|drop)", queue_handlers.AllPrompts, common),
            (r"/queue/accept", queue_handlers.Accept, common),
            (r"/queue/([^/]+)/(restore|drop)", queue_handlers.OnePrompt, common),
            *job_handlers.paths(common),
            (r"/workflow/plan", workflow_handlers.WorkflowPlan, common),
            (r"/workflow/fetch", workflow_handlers.WorkflowFetch, common),
            (r"/workflow/state", workflow_handlers.WorkflowState, common),
            (r"/doctor", handlers.Doctor, common),
            (r"/bundle", handlers.SupportBundle, common),
            (r"/", handlers.Page, {**common, "page": _read("index.html")}),
            *((rf"/{name}".replace(".", r"\."), File, {**common, "name": name}) for name in files),
        ],
        default_handler_class=NotFound,
        default_handler_args=common,
        log_function=lambda handler: None,  # no access log: the door has one
    )


def serve(application: Application, port: int) -> HTTPServer:
    """Listen on the loopback, where the door is the client.

    Raises:
        OSError: The port is taken.
    """
    server = HTTPServer(
        application, xheaders=True, max_body_size=64 << 10, idle_connection_timeout=120, body_timeout=20
    )
    server.listen(port, "127.0.0.1")
    return server


def _read(name: str) -> bytes:
    return (read_text(os.path.join(PAGE, name)) or "").encode()
