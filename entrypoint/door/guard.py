"""P: JupyterLab's identity provider: it accepts the login cookie from the pod's own pages only.

RunPod's `proxy.runpod.net` is not on the Public Suffix List: a page of any other pod is *same-site* with this pod's,
so the browser sends this pod's login cookie with that page's requests, WebSockets included, whatever SameSite says.
With `allow_origin='*'` and XSRF checks off, that page could open a terminal. An identity provider is Jupyter Server's
documented extension point for the user of a request; this one finds no user when the request comes from a foreign
page (`entrypoint.door.origins`) and carries no token.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from jupyter_server.auth.identity import PasswordIdentityProvider, User
from traitlets import List, Unicode

from entrypoint.door.origins import is_foreign


class OriginBoundIdentityProvider(PasswordIdentityProvider):  # type: ignore[misc]
    """Jupyter's login by token or password, with cookies accepted from the pod's own pages only."""

    own_origins = List(Unicode(), help="Origins (scheme://host[:port]) whose pages may use the login cookie.").tag(
        config=True
    )

    def get_user(self, handler: Any) -> User | None | Awaitable[User | None]:
        """The user, or None. From a foreign page only a token in the URL or a header is accepted.

        Jupyter's own method is not used for a foreign page: it deletes a cookie that it does not accept, so any
        page could log the user out; and with no login configured it accepts every request.
        """
        request = handler.request
        if is_foreign(request.method, request.host, request.headers, self.own_origins):
            return self._user_by_token(handler)
        return super().get_user(handler)

    async def _user_by_token(self, handler: Any) -> User | None:
        # Not get_user_token(), which reads the user's name from the cookie.
        token = self.get_token(handler)
        if not (self.token and token == self.token):
            return None
        handler._token_authenticated = True  # read by is_token_authenticated()
        return self.generate_anonymous_user(handler)

    def get_cookie_name(self, handler: Any) -> str:
        """The cookie's name; over TLS, one that another pod can't set.

        A page at `x.proxy.runpod.net` may set cookies for all of `proxy.runpod.net`, and a login cookie set that
        way would hide the user's own; browsers refuse that for names that begin with `__Host-` (RFC 6265bis).
        """
        name: str = super().get_cookie_name(handler)
        return f"__Host-{name}" if _can_bind_cookie_to_host(handler) else name

    def clear_login_cookie(self, handler: Any) -> None:
        """Log out, unless another site sent the request: its image of, or link to, /logout is not the user's choice."""
        if handler.request.headers.get("Sec-Fetch-Site") in ("same-site", "cross-site"):
            return
        # Browsers ignore the deletion of a __Host- cookie without the attribute Secure, too.
        secure = _can_bind_cookie_to_host(handler)
        handler.clear_cookie(self.get_cookie_name(handler), path=handler.base_url, secure=secure)

    def cookie_secret_hook(self, h: Any) -> Any:
        """Hash the token into the cookie secret: a new token invalidates cookies, as a new password does in Jupyter."""
        h.update(self.token.encode())
        return super().cookie_secret_hook(h)


def _can_bind_cookie_to_host(handler: Any) -> bool:
    """Whether a `__Host-` cookie is possible: it must be Secure and for the path /."""
    return bool(handler.request.protocol == "https" and handler.base_url == "/")
