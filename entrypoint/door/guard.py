"""P: an identity provider for which a cookie counts on the pod's own pages only.

RunPod's `proxy.runpod.net` is not on the Public Suffix List: a page on anybody's pod is *same-site* with ours,
so the browser sends our login cookie with its requests, WebSockets included, whatever SameSite says. With
`allow_origin='*'` and XSRF checks off, that page could open a terminal. Jupyter Server lets an identity
provider say who a request is from (its documented extension point); this one says "nobody" when the request
comes from a foreign page (`entrypoint.door.origins`) and carries no token of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from jupyter_server.auth.identity import PasswordIdentityProvider, User
from traitlets import List, Unicode

from entrypoint.door.origins import is_foreign


class OriginBoundIdentityProvider(PasswordIdentityProvider):  # type: ignore[misc]
    """Stock login by token or password, but ambient credentials count for the pod's own pages only."""

    own_origins = List(Unicode(), help="Origins (scheme://host[:port]) whose pages may use the login cookie.").tag(
        config=True
    )

    def get_user(self, handler: Any) -> User | None | Awaitable[User | None]:
        """The user, or None. For a foreign page only a token in the URL or a header counts.

        Not by way of the stock method: it would answer a cookie it does not accept by deleting it, so any
        page could log the user out; and with no login configured it would let everybody in.
        """
        request = handler.request
        if is_foreign(request.method, request.host, request.headers, self.own_origins):
            return self._explicit_user(handler)
        return super().get_user(handler)

    async def _explicit_user(self, handler: Any) -> User | None:
        # Not get_user_token(): it reads the cookie for the user's name.
        given = self.get_token(handler)
        if not (self.token and given == self.token):
            return None
        handler._token_authenticated = True  # what is_token_authenticated() looks at
        return self.generate_anonymous_user(handler)

    def get_cookie_name(self, handler: Any) -> str:
        """Over TLS, a name a sibling pod can't set.

        A page at `x.proxy.runpod.net` may set cookies for all of `proxy.runpod.net`, and a tossed login cookie
        would hide the user's own; browsers refuse that for names that begin with `__Host-` (RFC 6265bis).
        """
        name: str = super().get_cookie_name(handler)
        return f"__Host-{name}" if _can_bind_cookie_to_host(handler) else name

    def clear_login_cookie(self, handler: Any) -> None:
        """Log out, unless another site asks for it: an image or a link to /logout there is no wish of the user's."""
        if handler.request.headers.get("Sec-Fetch-Site") in ("same-site", "cross-site"):
            return
        # Browsers ignore even the deletion of a __Host- cookie unless it says Secure.
        secure = _can_bind_cookie_to_host(handler)
        handler.clear_cookie(self.get_cookie_name(handler), path=handler.base_url, secure=secure)

    def cookie_secret_hook(self, h: Any) -> Any:
        """A new token makes old cookies worthless, as a new password does in stock Jupyter."""
        h.update(self.token.encode())
        return super().cookie_secret_hook(h)


def _can_bind_cookie_to_host(handler: Any) -> bool:
    """A `__Host-` cookie has to be Secure and for the path /."""
    return bool(handler.request.protocol == "https" and handler.base_url == "/")
