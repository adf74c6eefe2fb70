"""Which requests are a foreign page's."""

from types import SimpleNamespace
from typing import Any

import pytest
from tornado.httputil import HTTPHeaders

from entrypoint.jupyter.guard import OriginBoundIdentityProvider, is_foreign

HOST = "abc123-8189.proxy.runpod.net"
REWRITTEN = "100.65.12.34:60123"
OWN = f"https://{HOST}"
SIBLING = "https://zzz999-8189.proxy.runpod.net"

TABLE = [
    # method, host, headers, foreign
    ("POST", HOST, {"Origin": OWN}, False),
    ("POST", REWRITTEN, {"Origin": OWN}, False),  # a proxy that rewrites Host
    ("POST", "localhost:9000", {"Origin": "http://localhost:9000"}, False),  # docker run -p 9000:8189
    ("POST", HOST, {"Origin": OWN.upper()}, False),
    ("POST", HOST, {"Origin": SIBLING}, True),
    ("POST", REWRITTEN, {"Origin": SIBLING}, True),
    ("POST", HOST, {"Origin": "https://evil.example"}, True),
    ("POST", HOST, {"Origin": "null"}, True),  # a sandboxed frame
    ("POST", HOST, {"Origin": ""}, True),
    ("POST", HOST, {"Origin": f"https://{HOST}.evil.example"}, True),
    ("POST", HOST, {"Origin": f"https://evil.example/{HOST}"}, True),
    ("GET", HOST, {"Origin": SIBLING, "Sec-Fetch-Site": "same-site"}, True),  # a WebSocket
    ("GET", HOST, {"Origin": OWN, "Upgrade": "websocket"}, False),
    ("GET", HOST, {}, False),  # a program
    ("GET", HOST, {"Sec-Fetch-Site": "none"}, False),  # typed into the address bar
    ("GET", HOST, {"Sec-Fetch-Site": "same-origin"}, False),
    ("GET", HOST, {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, True),  # an <img> of a sibling
    ("GET", HOST, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, True),
    (
        "GET", HOST,
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, False,
    ),  # a click in RunPod's console
    (
        "GET", HOST,
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, True,
    ),
    (
        "POST", HOST,
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, True,
    ),  # a form
]  # fmt: skip


@pytest.mark.parametrize(("method", "host", "headers", "foreign"), TABLE)
def test_whose_page_sent_it(method: str, host: str, headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign(method, host, HTTPHeaders(headers), {OWN}) is foreign


class Handler(SimpleNamespace):
    """As much of a request handler as the login cookie's name and its deletion look at."""

    def __init__(self, protocol: str, base_url: str = "/", **headers: str) -> None:
        request = SimpleNamespace(host=HOST, protocol=protocol, headers=HTTPHeaders(headers))
        super().__init__(request=request, base_url=base_url, cleared=[])

    def clear_cookie(self, name: str, **attributes: Any) -> None:
        self.cleared.append((name, attributes))


STOCK_NAME = "username-abc123-8189-proxy-runpod-net"


@pytest.mark.parametrize(
    ("handler", "name"),
    [
        (Handler("https"), f"__Host-{STOCK_NAME}"),
        (Handler("http"), STOCK_NAME),  # no TLS: browsers would refuse a __Host- cookie
        (Handler("https", base_url="/jupyter/"), STOCK_NAME),  # so they would for any path but /
    ],
)
def test_a_sibling_cannot_set_the_cookie_of_this_name(handler: Handler, name: str) -> None:
    assert OriginBoundIdentityProvider().get_cookie_name(handler) == name


@pytest.mark.parametrize(
    ("site", "logs_out"), [("same-origin", True), ("none", True), ("same-site", False), ("cross-site", False)]
)
def test_only_the_user_logs_the_user_out(site: str, logs_out: bool) -> None:
    handler = Handler("https", **{"Sec-Fetch-Site": site})
    OriginBoundIdentityProvider().clear_login_cookie(handler)
    # Without Secure browsers ignore the deletion of a __Host- cookie.
    expected = [(f"__Host-{STOCK_NAME}", {"path": "/", "secure": True})] if logs_out else []
    assert handler.cleared == expected
