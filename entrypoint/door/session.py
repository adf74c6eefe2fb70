"""P: the status page's login: the pod's token, as for JupyterLab.

The token comes in the URL (once: a cookie replaces it), in the login form, or as `Authorization: Bearer X` or
`token X`. The cookie is not a copy of the token: it is a MAC made with it, and invalid once the token changes.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

#: Seconds a login is valid, as in JupyterLab.
COOKIE_LIFETIME = 30 * 24 * 3600


class Credentials(NamedTuple):
    """The credentials of a request; "" for a missing one."""

    query: str = ""
    authorization: str = ""
    cookie: str = ""


class Login:
    """The login of one pod. An empty token lets no request in, unless the login is switched off."""

    def __init__(self, token: str, cookie_secret: str, *, required: bool) -> None:
        self._token = token.encode()
        self._key = hashlib.sha256(b"podkeeper status\0" + cookie_secret.encode() + b"\0" + self._token).digest()
        self.required = required

    def allows(self, credentials: Credentials, foreign: bool, now: float) -> bool:
        """Whether the request is let in.

        Args:
            credentials: The request's credentials.
            foreign: Whether a page that is not the pod's own sent it: the cookie, which browsers add by themselves,
                is ignored then; a valid token is accepted.
            now: Seconds since 1970.
        """
        if not self.required:
            return not foreign
        if self.is_token(credentials.query) or self.is_token(_token_in(credentials.authorization)):
            return True
        return not foreign and self._is_cookie(credentials.cookie, now)

    def is_token(self, text: str) -> bool:
        """Whether `text` is the token; compared in constant time."""
        return bool(self._token) and hmac.compare_digest(text.encode("utf-8", "replace"), self._token)

    def cookie(self, now: float) -> str:
        """The value of a login cookie, valid from `now` on."""
        return self._signed(str(int(now) + COOKIE_LIFETIME))

    def _is_cookie(self, value: str, now: float) -> bool:
        until = value.partition(".")[0]
        if not self._token or not (until.isascii() and until.isdigit() and len(until) < 16):
            return False
        return hmac.compare_digest(value.encode("utf-8", "replace"), self._signed(until).encode()) and now < int(until)

    def _signed(self, until: str) -> str:
        return f"{until}.{hmac.new(self._key, until.encode(), hashlib.sha256).hexdigest()}"


def cookie_name(port: int, secure: bool) -> str:
    """The cookie's name. It holds the port, because all ports of localhost share their cookies.

    Over TLS, a name that another pod's page can't set (see door/guard.py).
    """
    name = f"podkeeper-status-{port}"
    return f"__Host-{name}" if secure else name


def _token_in(authorization: str) -> str:
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "token") else ""
