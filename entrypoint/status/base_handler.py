"""A: the base of all request handlers: response headers, the login, and logs and errors without secrets."""

from __future__ import annotations

from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from entrypoint.status.live import Live
from entrypoint.status.login import Login

#: Nothing from other hosts, nothing inline; frames only within the same origin (a tab of JupyterLab's).
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "podkeeper",
}


class BaseHandler(RequestHandler):
    """A request handler without a login: for pages and probes that hold nothing private."""

    def initialize(self, live: Live, login: Login) -> None:
        self.live, self.login = live, login

    def set_default_headers(self) -> None:
        for name, text in HEADERS.items():
            self.set_header(name, text)

    def send_error(self, status_code: int = 500, **details: Any) -> None:
        """Respond with 503 to a TimeoutError (see live.in_thread): a later request may succeed."""
        timed_out = isinstance((details.get("exc_info") or (None, None))[1], TimeoutError)
        super().send_error(503 if timed_out else status_code, **details)

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """Log as tornado does, but never the URL's query: it may hold the token."""
        if not isinstance(error, HTTPError | StreamClosedError):
            print(f"{self.request.method} {self.request.path}: {error!r}", flush=True)

    def write_error(self, status_code: int, **_: Any) -> None:
        """Respond with one line, for people and programs alike."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        if status_code == 401:  # without a door the browser asks for a name, which is ignored, and the token
            self.set_header("WWW-Authenticate", 'Basic realm="podkeeper: the token is the password"')
        self.finish(f"{status_code} {self._reason}\n")

    def check_xsrf_cookie(self) -> None:
        """Check nothing: the door's origin guard, or `direct_login`, replaces XSRF tokens."""


class PrivateHandler(BaseHandler):
    """A request handler that requires the login: 401 without, 403 for a foreign page."""

    def prepare(self) -> None:
        request = self.request
        refusal = self.login.refusal(request.method or "", request.path, request.host, request.headers)
        if refusal:
            raise HTTPError(refusal)


class NotFound(BaseHandler):
    """404 for every other path."""

    def prepare(self) -> None:
        raise HTTPError(404)
