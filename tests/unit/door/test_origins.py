"""Which requests are a foreign page's."""

import pytest
from tornado.httputil import HTTPHeaders

from entrypoint.door.origins import is_foreign, own_origins
from entrypoint.settings.settings import Settings

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
    ("POST", HOST, {"Origin": "http://["}, True),
    ("POST", HOST, {"Origin": f"http://[{HOST}"}, True),
    ("POST", HOST, {"Origin": f"http://{HOST}\u2100"}, True),  # urlsplit raises for what NFKC makes a delimiter
    ("GET", HOST, {"Origin": "http://[", "Sec-Fetch-Site": "same-origin"}, True),
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
def test_which_requests_are_foreign(method: str, host: str, headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign(method, host, HTTPHeaders(headers), {OWN}) is foreign


def test_own_origins_are_the_proxys_this_machines_and_the_users() -> None:
    settings = Settings(pod_id="abc123", allowed_origins=("https://mine.example",))
    assert own_origins(settings, 8190) == [
        "https://abc123-8190.proxy.runpod.net", "http://localhost:8190", "http://127.0.0.1:8190",
        "http://[::1]:8190", "https://mine.example",
    ]  # fmt: skip
