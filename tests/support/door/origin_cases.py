"""Requests as browsers and programs send them, and whether they come from a page that is not the pod's own.

One table for is_foreign() (JupyterLab's guard) and for the gateway's maps: the two must never disagree.
"""

from typing import NamedTuple

PUBLIC = "https://abc123-{port}.proxy.runpod.net"
SIBLING = "https://zzz999-{port}.proxy.runpod.net"
LISTED = "https://my.example"
FOREIGN = "https://evil.example"
HOST = "100.65.12.34:60123"  # rewritten by the proxy


class Case(NamedTuple):
    """`headers` of a request for `host` by `method`; {port} is the service's."""

    what: str
    method: str
    host: str
    headers: dict[str, str]
    foreign: bool


def _link(site: str) -> dict[str, str]:
    return {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def _fetch(site: str, mode: str = "cors", dest: str = "empty") -> dict[str, str]:
    return {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}


CASES = [
    Case("a program", "POST", HOST, {}, False),
    Case("a program's GET", "GET", HOST, {}, False),
    Case("the address typed", "GET", HOST, _link("none"), False),
    Case("a link on the pod's own page", "GET", HOST, _link("same-origin"), False),
    Case("a click in the console", "GET", HOST, _link("cross-site"), False),
    Case("a click in the console, HEAD", "HEAD", HOST, _link("cross-site"), False),
    Case("a click on a sibling pod", "GET", HOST, _link("same-site"), False),
    Case("its own page fetches", "GET", HOST, _fetch("same-origin"), False),
    Case("its own page posts", "POST", HOST, {"Origin": PUBLIC, **_fetch("same-origin")}, False),
    Case("its own page posts, old browser", "POST", HOST, {"Origin": PUBLIC}, False),
    Case("its own page, Host kept", "POST", "h.example:81", {"Origin": "http://h.example:81"}, False),
    Case("its own page, Host kept, TLS", "POST", "h.example", {"Origin": "https://h.example"}, False),
    Case("capitals", "POST", HOST, {"Origin": "HTTPS://ABC123-{port}.proxy.runpod.NET"}, False),
    Case("localhost", "POST", HOST, {"Origin": "http://localhost:{port}"}, False),
    Case("127.0.0.1", "POST", HOST, {"Origin": "http://127.0.0.1:{port}"}, False),
    Case("a listed origin", "POST", HOST, {"Origin": LISTED, **_fetch("cross-site")}, False),
    Case("sibling posts", "POST", HOST, {"Origin": SIBLING, **_fetch("same-site")}, True),
    Case("sibling posts, old browser", "POST", HOST, {"Origin": SIBLING}, True),
    Case("foreign posts", "POST", HOST, {"Origin": FOREIGN, **_fetch("cross-site", "no-cors")}, True),
    Case("foreign form", "POST", HOST, {"Origin": FOREIGN, **_link("cross-site")}, True),
    Case("sibling form", "POST", HOST, {"Origin": SIBLING, **_link("same-site")}, True),
    Case("form from a sandbox", "POST", HOST, {"Origin": "null", **_link("cross-site")}, True),
    Case("foreign WebSocket", "GET", HOST, {"Origin": FOREIGN, **_fetch("cross-site", "websocket")}, True),
    Case("sibling WebSocket", "GET", HOST, {"Origin": SIBLING, **_fetch("same-site", "websocket")}, True),
    Case("sibling image", "GET", HOST, _fetch("same-site", "no-cors", "image"), True),
    Case("sibling script", "GET", HOST, _fetch("same-site", "no-cors", "script"), True),
    Case("foreign frame", "GET", HOST, _fetch("cross-site", "navigate", "iframe"), True),
    Case("sibling frame", "GET", HOST, _fetch("same-site", "navigate", "iframe"), True),
    Case("foreign POST without Origin", "POST", HOST, _link("cross-site"), True),
    Case("unknown site", "GET", HOST, _fetch("new-word"), True),
    Case("other port of the same name", "POST", "h.example:81", {"Origin": "http://h.example:82"}, True),
    Case("a name that begins like Host", "POST", "h.example", {"Origin": "https://h.example.evil"}, True),
    Case("a name that ends like Host", "POST", "h.example", {"Origin": "https://evil-h.example"}, True),
    Case("a name that ends like the pod", "POST", HOST, {"Origin": "https://x.abc123-{port}.proxy.runpod.net"}, True),
    Case("a name that begins like the pod", "POST", HOST, {"Origin": PUBLIC + ".evil.example"}, True),
    Case("the pod without TLS", "POST", HOST, {"Origin": "http://abc123-{port}.proxy.runpod.net"}, True),
    Case("another port of localhost", "POST", HOST, {"Origin": "http://localhost:1"}, True),
]  # fmt: skip


def for_port(case: Case, port: int) -> Case:
    """With the service's port filled in."""
    return case._replace(headers={name: text.format(port=port) for name, text in case.headers.items()})
