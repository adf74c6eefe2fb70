"""P: who may see the page and press its buttons: whoever has the token, as for JupyterLab.

The token comes in the address (once: a cookie takes its place), in the login form, or as `Authorization: Bearer X` or
`token X`. The cookie is no copy of the token: it is a MAC made with it, and worth nothing once the token changes.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

#: Seconds a login lasts, as JupyterLab's.
COOKIE_LASTS = 30 * 24 * 3600


class Given(NamedTuple):
    """What a request brings along; "" where it brings none."""

    query: str = ""
    authorization: str = ""
    cookie: str = ""


class Login:
    """Knows the token and what follows from it. No token: nobody gets in, unless the login is switched off."""

    def __init__(self, token: str, cookie_secret: str, *, required: bool) -> None:
        self._token = token.encode()
        self._key = hashlib.sha256(b"podkeeper status\0" + cookie_secret.encode() + b"\0" + self._token).digest()
        self.required = required

    def allows(self, given: Given, foreign: bool, now: float) -> bool:
        """Whether the request may have what it asks for.

        Args:
            given: What it brings along.
            foreign: Whether a page that is not the pod's own sent it: what browsers add by themselves, the cookie,
                does not count then. A token it knows does: then it is no stranger.
            now: Seconds since 1970.
        """
        if not self.required:
            return not foreign
        if self.is_token(given.query) or self.is_token(_token_in(given.authorization)):
            return True
        return not foreign and self._is_cookie(given.cookie, now)

    def is_token(self, text: str) -> bool:
        """In the same time, whatever the text."""
        return bool(self._token) and hmac.compare_digest(text.encode("utf-8", "replace"), self._token)

    def cookie(self, now: float) -> str:
        """A cookie's value for somebody who has just shown the token."""
        return self._signed(str(int(now) + COOKIE_LASTS))

    def _is_cookie(self, value: str, now: float) -> bool:
        until = value.partition(".")[0]
        if not self._token or not (until.isascii() and until.isdigit() and len(until) < 16):
            return False
        return hmac.compare_digest(value.encode("utf-8", "replace"), self._signed(until).encode()) and now < int(until)

    def _signed(self, until: str) -> str:
        return f"{until}.{hmac.new(self._key, until.encode(), hashlib.sha256).hexdigest()}"


def cookie_name(port: int, secure: bool) -> str:
    """All ports of localhost share their cookies, so the name says whose it is.

    Over TLS, a name that a sibling pod's page can't set (see jupyter/guard.py).
    """
    name = f"podkeeper-status-{port}"
    return f"__Host-{name}" if secure else name


def _token_in(authorization: str) -> str:
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "token") else ""
