"""Requests as browsers and programs send them, and from whose page they come.

OWN: the pod's own page, or a program. LINK: a followed link, which may open the pages of the user interface and nothing
else. FOREIGN: a page of another pod or site.
"""

from typing import NamedTuple

PUBLIC = "https://abc123-{port}.proxy.runpod.net"
SIBLING = "https://zzz999-{port}.proxy.runpod.net"
LISTED = "https://my.example"
FOREIGN = "https://evil.example"
HOST = "100.65.12.34:60123"  # rewritten by the proxy


OWN, LINK, ALIEN = "own", "link", "foreign"
#: A browser's own word for itself; over plain http, at an address that is not this machine's, it sends no Sec-Fetch-*.
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140"}
TLS = {"X-Forwarded-Proto": "https"}
HTML = {"Accept": "text/html,*/*"}


class Case(NamedTuple):
    """`headers` of a request for `host` by `method`; {port} is the service's."""

    what: str
    method: str
    host: str
    headers: dict[str, str]
    sender: str


def _link(site: str) -> dict[str, str]:
    return {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def _fetch(site: str, mode: str = "cors", dest: str = "empty") -> dict[str, str]:
    return {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}


CASES = [
    Case("a program", "POST", HOST, {}, OWN),
    Case("a program's GET", "GET", HOST, {}, OWN),
    Case("the address typed", "GET", HOST, _link("none"), OWN),
    Case("a link on the pod's own page", "GET", HOST, _link("same-origin"), OWN),
    Case("a click in the console", "GET", HOST, _link("cross-site"), LINK),
    Case("a click in the console, HEAD", "HEAD", HOST, _link("cross-site"), LINK),
    Case("a click on a sibling pod", "GET", HOST, _link("same-site"), LINK),
    Case("its own page fetches", "GET", HOST, _fetch("same-origin"), OWN),
    Case("its own page posts", "POST", HOST, {"Origin": PUBLIC, **_fetch("same-origin")}, OWN),
    Case("its own page posts, old browser", "POST", HOST, {"Origin": PUBLIC}, OWN),
    Case("its own page, Host kept", "POST", "h.example:81", {"Origin": "http://h.example:81"}, OWN),
    Case("its own page, Host kept, TLS", "POST", "h.example", {"Origin": "https://h.example"}, OWN),
    Case("capitals", "POST", HOST, {"Origin": "HTTPS://ABC123-{port}.proxy.runpod.NET"}, OWN),
    Case("localhost", "POST", HOST, {"Origin": "http://localhost:{port}"}, OWN),
    Case("127.0.0.1", "POST", HOST, {"Origin": "http://127.0.0.1:{port}"}, OWN),
    Case("a listed origin", "POST", HOST, {"Origin": LISTED, **_fetch("cross-site")}, OWN),
    Case("sibling posts", "POST", HOST, {"Origin": SIBLING, **_fetch("same-site")}, ALIEN),
    Case("sibling posts, old browser", "POST", HOST, {"Origin": SIBLING}, ALIEN),
    Case("foreign posts", "POST", HOST, {"Origin": FOREIGN, **_fetch("cross-site", "no-cors")}, ALIEN),
    Case("foreign form", "POST", HOST, {"Origin": FOREIGN, **_link("cross-site")}, ALIEN),
    Case("sibling form", "POST", HOST, {"Origin": SIBLING, **_link("same-site")}, ALIEN),
    Case("form from a sandbox", "POST", HOST, {"Origin": "null", **_link("cross-site")}, ALIEN),
    Case("foreign WebSocket", "GET", HOST, {"Origin": FOREIGN, **_fetch("cross-site", "websocket")}, ALIEN),
    Case("sibling WebSocket", "GET", HOST, {"Origin": SIBLING, **_fetch("same-site", "websocket")}, ALIEN),
    Case("sibling image", "GET", HOST, _fetch("same-site", "no-cors", "image"), ALIEN),
    Case("sibling script", "GET", HOST, _fetch("same-site", "no-cors", "script"), ALIEN),
    Case("foreign frame", "GET", HOST, _fetch("cross-site", "navigate", "iframe"), ALIEN),
    Case("sibling frame", "GET", HOST, _fetch("same-site", "navigate", "iframe"), ALIEN),
    Case("foreign POST without Origin", "POST", HOST, _link("cross-site"), ALIEN),
    Case("unknown site", "GET", HOST, _fetch("new-word"), ALIEN),
    Case("other port of the same name", "POST", "h.example:81", {"Origin": "http://h.example:82"}, ALIEN),
    Case("a name that begins like Host", "POST", "h.example", {"Origin": "https://h.example.evil"}, ALIEN),
    Case("a name that ends like Host", "POST", "h.example", {"Origin": "https://evil-h.example"}, ALIEN),
    Case("a name that ends like the pod", "POST", HOST, {"Origin": "https://x.abc123-{port}.proxy.runpod.net"}, ALIEN),
    Case("a name that begins like the pod", "POST", HOST, {"Origin": PUBLIC + ".evil.example"}, ALIEN),
    Case("the pod without TLS", "POST", HOST, {"Origin": "http://abc123-{port}.proxy.runpod.net"}, ALIEN),
    Case("another port of localhost", "POST", HOST, {"Origin": "http://localhost:1"}, ALIEN),
    Case("not an origin", "POST", HOST, {"Origin": "http://["}, ALIEN),
    Case("plain http: its own page's image", "GET", HOST, BROWSER | {"Referer": f"http://{HOST}/x?y"}, OWN),
    Case("plain http: its own page", "GET", HOST, BROWSER | HTML | {"Referer": f"http://{HOST}"}, OWN),
    Case("plain http: a foreign image", "GET", HOST, BROWSER | {"Referer": "http://evil.example/"}, ALIEN),
    Case("plain http: a foreign image, no Referer", "GET", HOST, BROWSER, ALIEN),
    Case("plain http: a name that begins alike", "GET", HOST, BROWSER | {"Referer": f"http://{HOST}.evil/"}, ALIEN),
    Case("plain http: a foreign link", "GET", HOST, BROWSER | HTML | {"Referer": "http://evil.example/"}, LINK),
    Case("plain http: the address typed", "GET", HOST, BROWSER | HTML, LINK),
    Case("an old browser behind TLS", "GET", HOST, BROWSER | TLS, OWN),
    Case("an old browser on this machine", "GET", "localhost:{port}", BROWSER, OWN),
]  # fmt: skip


def for_port(case: Case, port: int) -> Case:
    """With the service's port filled in."""
    headers = {name: text.format(port=port) for name, text in case.headers.items()}
    return case._replace(headers=headers, host=case.host.format(port=port))
