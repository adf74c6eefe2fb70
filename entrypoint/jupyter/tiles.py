"""P: the pod's other pages behind JupyterLab's login: `<JupyterLab>/podkeeper/<name>/` and a tile in its launcher.

For the user who published port 8189 alone. One row a page; where its server listens is in the table of services.
"""

from __future__ import annotations

from entrypoint.settings.services import SERVICES, Service
from entrypoint.settings.settings import Settings


def tiles(settings: Settings) -> list[Service]:
    """The services that are switched on and have a tile."""
    return [service for service in SERVICES if service.tile and service.enabled(settings)]


def description(service: Service) -> dict[str, str]:
    """What the launcher extension makes a tile of: name, title, caption and the icon as SVG."""
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
        "answer yet</h1><p>This page reloads every three seconds. If it stays: "
        "<code>podkeeper doctor</code> in a terminal says why.</p></body></html>\n"
    )


#: Headers that belong to one connection (RFC 9110, 7.6.1), and those that the browser sends about itself and its
#: page: the origin guard has judged them, and the server behind would judge them by an address that is not its own.
_NOT_PASSED = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "host", "content-length", "expect", "accept-encoding",
    "origin", "referer", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user",
    "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol",
    "authorization", "x-xsrftoken", "cookie",
})  # fmt: skip
#: Of an answer: what belongs to the connection, and the length, which is counted anew.
NOT_RETURNED = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade", "content-length",
})  # fmt: skip


def passed_headers(headers: list[tuple[str, str]], token: str) -> list[tuple[str, str]]:
    """Of a request: neither JupyterLab's login nor anything that says whose page it came from.

    Args:
        headers: As they came.
        token: The pod's, for a server that asks for it; else "".
    """
    passed = [(name, text) for name, text in headers if name.lower() not in _NOT_PASSED]
    for name, text in headers:
        if name.lower() == "cookie" and (rest := _foreign_cookies(text)):
            passed.append(("Cookie", rest))
    return [*passed, ("Authorization", f"token {token}")] if token else passed


def _foreign_cookies(text: str) -> str:
    """The cookies that are not the pod's logins: a custom node need not see them."""
    pairs = [pair.strip() for pair in text.split(";")]
    ours = ("podkeeper-", "__Host-podkeeper-", "_xsrf")
    return "; ".join(pair for pair in pairs if pair and not pair.startswith(ours))


def passed_query(query: str) -> str:
    """The query without JupyterLab's token."""
    parts = [part for part in query.split("&") if part and not part.startswith("token=")]
    return "?" + "&".join(parts) if parts else ""
