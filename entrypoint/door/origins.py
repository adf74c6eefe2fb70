"""P: whose page sent a request: one of the pod's own, or a foreign one.

RunPod's `proxy.runpod.net` is not on the Public Suffix List: a page on anybody's pod is *same-site* with ours, so the
browser sends our login cookies with its requests, WebSockets included, whatever SameSite says.

Browsers set `Origin` on every POST, PUT, PATCH, DELETE and WebSocket, and `Sec-Fetch-*` on everything
(Fetch standard); pages can't forge either.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from entrypoint.settings.settings import Settings


def own_origins(settings: Settings, port: int) -> list[str]:
    """The web origins whose pages are this pod's own. The request's own Host counts besides (see is_foreign)."""
    local = [f"http://{host}:{port}" for host in ("localhost", "127.0.0.1", "[::1]")]
    return [*([settings.public_url(port)] if settings.pod_id else []), *local, *settings.allowed_origins]


def is_foreign(method: str, host: str, headers: Mapping[str, str], own: Collection[str]) -> bool:
    """Whether a browser sent this request for a page that is not the pod's own.

    Args:
        method: HTTP method.
        host: The request's Host; a page from there is the pod's own.
        headers: The request's headers, looked up case-insensitively.
        own: Origins that are the pod's own as well (a proxy may have rewritten Host).

    A link followed from elsewhere (a GET for a whole page, as from RunPod's console) is not foreign: the page
    that asked can't read the answer. No header at all is a program, which has no cookie it did not ask for.
    """
    origin = headers.get("Origin")
    if origin is not None:
        return origin.lower() not in own and urlsplit(origin).netloc != host
    if headers.get("Sec-Fetch-Site") in (None, "none", "same-origin"):
        return False
    followed_link = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    return not (followed_link and method in ("GET", "HEAD"))
