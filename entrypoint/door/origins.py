"""P: the origin rule: whether a page of the pod or a foreign page sent a request.

RunPod's `proxy.runpod.net` is not on the Public Suffix List: a page of any other pod is *same-site* with this pod's,
so the browser sends this pod's login cookies with that page's requests, WebSockets included, whatever SameSite says.

Browsers set `Origin` on every POST, PUT, PATCH, DELETE and WebSocket, and `Sec-Fetch-*` on everything
(Fetch standard); pages can't forge either.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from entrypoint.settings.settings import Settings


def own_origins(settings: Settings, port: int) -> list[str]:
    """The web origins whose pages are this pod's own, besides the request's Host (see is_foreign)."""
    local = [f"http://{host}:{port}" for host in ("localhost", "127.0.0.1", "[::1]")]
    return [*([settings.public_url(port)] if settings.pod_id else []), *local, *settings.allowed_origins]


def is_foreign(method: str, host: str, headers: Mapping[str, str], own: Collection[str]) -> bool:
    """Whether a page that is not the pod's own sent the request.

    Args:
        method: HTTP method.
        host: The request's Host; a page of that origin is the pod's own.
        headers: The request's headers, looked up case-insensitively.
        own: The pod's other origins (a proxy may have rewritten Host).

    A followed link (a GET for a whole page, as from RunPod's console) is not foreign: the page with the link can't
    read the response. A request with none of the headers comes from a program, which holds no browser's cookie.
    """
    origin = headers.get("Origin")
    if origin is not None:
        return origin.lower() not in own and _host_of(origin) != host
    if headers.get("Sec-Fetch-Site") in (None, "none", "same-origin"):
        return False
    followed_link = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    return not (followed_link and method in ("GET", "HEAD"))


def _host_of(origin: str) -> str | None:
    """The host and port of an Origin; None where it is malformed, which no browser sends: it counts as foreign."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
