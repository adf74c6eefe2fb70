"""A: the base of all request handlers: response headers, the login, and logs and errors without secrets."""

from __future__ import annotations

import time
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from entrypoint.door.origins import is_foreign, own_origins
from entrypoint.door.session import COOKIE_LIFETIME, Credentials, Login, cookie_name
from entrypoint.status.live import Live

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
        self.finish(f"{status_code} {self._reason}\n")

    def check_xsrf_cookie(self) -> None:
        """Check nothing: `foreign` replaces XSRF tokens."""

    @property
    def secure(self) -> bool:
        return self.request.protocol == "https"

    @property
    def _cookie_name(self) -> str:
        return cookie_name(self.live.settings.status_port, self.secure)

    @property
    def foreign(self) -> bool:
        """Whether a page that is not the pod's own sent the request."""
        own = own_origins(self.live.settings, self.live.settings.status_port)
        return is_foreign(self.request.method or "", self.request.host, self.request.headers, own)

    @property
    def allowed(self) -> bool:
        """Whether the request's credentials let it in."""
        authorization, cookie = self.request.headers.get("Authorization", ""), self.get_cookie(self._cookie_name) or ""
        credentials = Credentials(self.get_query_argument("token", ""), authorization, cookie)
        return self.login.allows(credentials, self.foreign, time.time())

    def set_login_cookie(self) -> None:
        """Log the browser in: from now on its cookie is enough."""
        now = time.time()
        self.set_cookie(
            self._cookie_name, self.login.cookie(now), expires=now + COOKIE_LIFETIME, path="/", httponly=True,
            secure=self.secure, samesite="Lax",
        )  # fmt: skip


class PrivateHandler(BaseHandler):
    """A request handler that requires the login: 401 without, 403 for a foreign page."""

    def prepare(self) -> None:
        if not self.allowed:
            raise HTTPError(403 if self.foreign else 401)


class NotFound(BaseHandler):
    """404 for every other path."""

    def prepare(self) -> None:
        raise HTTPError(404)
