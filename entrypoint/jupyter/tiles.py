"""P: the launcher tiles of the pod's other pages, served behind JupyterLab's login at `podkeeper/<name>/`.

They serve users who published port 8189 alone. Title, icon and port come from the service's row (settings/services).
"""

from __future__ import annotations

from entrypoint.settings.services import SERVICES, Service
from entrypoint.settings.settings import Settings


def tiles(settings: Settings) -> list[Service]:
    """The enabled services that have a tile."""
    return [service for service in SERVICES if service.tile and service.enabled(settings)]


def description(service: Service) -> dict[str, str]:
    """A tile for the launcher extension: name, title, caption and the icon as SVG."""
    if service.tile is None:
        raise ValueError(f"{service.name} has no tile")
    stroke = 'fill="none" stroke="#1976d2" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
    icon = f'<path {stroke} d="{service.tile.path}"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24">{icon}</svg>'
    return {"name": service.name, "title": service.tile.title, "caption": service.tile.caption, "svg": svg}


def starting_page(title: str) -> str:
    """The page a browser sees while the server behind a tile does not respond; it reloads every three seconds."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="3">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<title>{title} is starting</title><body style='font:1rem system-ui;margin:3rem'><h1>{title} does not "
        "answer yet</h1><p>This page reloads every three seconds. If it stays, run "
        "<code>podkeeper doctor</code> in a terminal to find the reason.</p></body></html>\n"
    )


#: Hop-by-hop headers (RFC 9110, 7.6.1), and those that the browser sends about its page: the origin guard has checked
#: them, and the upstream server would compare them with an address that is not its own.
_NOT_FORWARDED = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "host", "content-length", "expect", "accept-encoding",
    "origin", "referer", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user",
    "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol",
    "authorization", "x-xsrftoken", "cookie",
})  # fmt: skip
#: Headers not returned: hop-by-hop ones, and the length, which tornado computes.
HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade", "content-length",
})  # fmt: skip


def upstream_headers(headers: list[tuple[str, str]], token: str) -> list[tuple[str, str]]:
    """The headers for the upstream server: without JupyterLab's login and without the page's origin.

    Args:
        headers: The request's headers.
        token: The pod's token, for a server that requires it; else "".
    """
    passed = [(name, text) for name, text in headers if name.lower() not in _NOT_FORWARDED]
    for name, text in headers:
        if name.lower() == "cookie" and (rest := _other_cookies(text)):
            passed.append(("Cookie", rest))
    return [*passed, ("Authorization", f"token {token}")] if token else passed


def _other_cookies(text: str) -> str:
    """The cookies without the pod's logins, which custom nodes must not see."""
    pairs = [pair.strip() for pair in text.split(";")]
    logins = ("podkeeper-", "__Host-podkeeper-", "_xsrf")
    return "; ".join(pair for pair in pairs if pair and not pair.startswith(logins))


def upstream_query(query: str) -> str:
    """The query string without JupyterLab's token."""
    parts = [part for part in query.split("&") if part and not part.startswith("token=")]
    return "?" + "&".join(parts) if parts else ""
