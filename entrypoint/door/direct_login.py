"""P: the login of a server without a door in front (nginx is missing): the token, and no page of another origin.

Such a server listens on the loopback. Browsers count every port of `localhost` as the same site, so `SameSite` does not
keep the pages of other local servers out; `Origin` and `Sec-Fetch-Site` do, and pages can't forge them.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping


def is_foreign(method: str, path: str, host: str, headers: Mapping[str, str]) -> bool:
    """Whether a page of another origin sent the request; a followed link to a page of ours does not count.

    Args:
        method: HTTP method.
        path: The request's path.
        host: The request's Host.
        headers: The request's headers, looked up case-insensitively.
    """
    origin = headers.get("Origin")
    if origin is not None:
        return origin.lower().partition("://")[2] != host.lower()
    if headers.get("Sec-Fetch-Site") in (None, "none", "same-origin"):
        return False
    followed_link = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    is_page = path == "/" or (path + "/").startswith("/lab/")
    return not (followed_link and is_page and method in ("GET", "HEAD"))


def is_this_machine(host: str) -> bool:
    """Whether Host names the loopback. With the login off any other name may be one that another owner's DNS leads
    here (DNS rebinding): a page of that name would count as the server's own."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name in ("localhost", "127.0.0.1", "[::1]")


def has_token(authorization: str, token: str) -> bool:
    """Whether the header holds the token: as Bearer, `token`, or the password of Basic; compared in constant time."""
    scheme, _, given = authorization.strip().partition(" ")
    given = given.strip()
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
        except ValueError:  # binascii.Error and UnicodeError included
            return False
    elif scheme.lower() not in ("bearer", "token"):
        return False
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())
