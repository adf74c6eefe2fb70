"""A: what all answers of the status server have in common: headers, the login, and silence about secrets."""

from __future__ import annotations

import time
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from entrypoint.door.origins import is_foreign, own_origins
from entrypoint.door.session import COOKIE_LASTS, Given, Login, cookie_name
from entrypoint.status.live import Live

#: Nothing from elsewhere, nothing inline; frames only within the same origin (a tab of JupyterLab's).
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


class Handler(RequestHandler):
    """What all have in common."""

    def initialize(self, live: Live, login: Login) -> None:
        self.live, self.login = live, login

    def set_default_headers(self) -> None:
        for name, text in HEADERS.items():
            self.set_header(name, text)

    def send_error(self, status_code: int = 500, **about: Any) -> None:
        """What took too long (see live.in_thread) may work later."""
        late = isinstance((about.get("exc_info") or (None, None))[1], TimeoutError)
        super().send_error(503 if late else status_code, **about)

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """As stock, but never with the address: a token may be in it."""
        if not isinstance(error, HTTPError | StreamClosedError):
            print(f"{self.request.method} {self.request.path}: {error!r}", flush=True)

    def write_error(self, status_code: int, **_: Any) -> None:
        """One line, for people and programs alike."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code} {self._reason}\n")

    def check_xsrf_cookie(self) -> None:
        """is_foreign does its work."""

    @property
    def secure(self) -> bool:
        return self.request.protocol == "https"

    @property
    def foreign(self) -> bool:
        """Whether a page that is not the pod's own sent this."""
        own = own_origins(self.live.settings, self.live.settings.status_port)
        return is_foreign(self.request.method or "", self.request.host, self.request.headers, own)

    @property
    def allowed(self) -> bool:
        name = cookie_name(self.live.settings.status_port, self.secure)
        given = Given(
            self.get_query_argument("token", ""),
            self.request.headers.get("Authorization", ""),
            self.get_cookie(name) or "",
        )
        return self.login.allows(given, self.foreign, time.time())

    def let_in(self) -> None:
        """From now on the browser's cookie is enough."""
        now = time.time()
        self.set_cookie(
            cookie_name(self.live.settings.status_port, self.secure),
            self.login.cookie(now),
            expires=now + COOKIE_LASTS,
            path="/",
            httponly=True,
            secure=self.secure,
            samesite="Lax",
        )


class Private(Handler):
    """Answers only who has the token."""

    def prepare(self) -> None:
        if not self.allowed:
            raise HTTPError(403 if self.foreign else 401)


class Nothing(Handler):
    """404."""

    def prepare(self) -> None:
        raise HTTPError(404)
