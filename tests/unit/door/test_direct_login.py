"""The login of a server without a door: the token, and no page of another origin."""

from base64 import b64encode

import pytest
from tornado.httputil import HTTPHeaders

from entrypoint.door.direct_login import has_token, is_foreign, is_this_machine

HOST = "localhost:8189"
TOKEN = "the-pods-token"
LINK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "foreign"),
    [
        ("POST", "/api/terminals", {}, False),  # a program
        ("POST", "/api/terminals", {"Origin": "http://localhost:8189"}, False),
        ("POST", "/api/terminals", {"Origin": "HTTP://LOCALHOST:8189"}, False),
        ("POST", "/api/terminals", {"Origin": "http://localhost:3000"}, True),  # another server of this machine
        ("POST", "/api/terminals", {"Origin": "https://evil.example"}, True),
        ("POST", "/api/terminals", {"Origin": "null"}, True),
        ("POST", "/api/terminals", {"Origin": "http://["}, True),
        ("POST", "/api/terminals", {"Origin": ""}, True),
        ("GET", "/files/a", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, True),
        ("GET", "/lab", LINK | {"Sec-Fetch-Site": "cross-site"}, False),
        ("GET", "/lab/tree/a", LINK | {"Sec-Fetch-Site": "same-site"}, False),
        ("GET", "/", LINK | {"Sec-Fetch-Site": "cross-site"}, False),
        ("GET", "/labx", LINK | {"Sec-Fetch-Site": "cross-site"}, True),
        ("GET", "/files/a.html", LINK | {"Sec-Fetch-Site": "cross-site"}, True),
        ("POST", "/lab", LINK | {"Sec-Fetch-Site": "cross-site"}, True),
        ("GET", "/lab", {"Sec-Fetch-Site": "none"}, False),
        ("GET", "/api/x", {"Sec-Fetch-Site": "same-origin"}, False),
    ],
)
def test_which_requests_are_foreign(method: str, path: str, headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign(method, path, HOST, HTTPHeaders(headers)) is foreign


def basic(password: str) -> str:
    return "Basic " + b64encode(f"any name:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "accepted"),
    [(f"Bearer {TOKEN}", True), (f"token  {TOKEN} ", True), (f"bearer {TOKEN}", True), (basic(TOKEN), True),
     (basic(TOKEN + "x"), False), (basic(""), False), ("Basic x", False), ("Basic \xff", False), (TOKEN, False),
     ("", False), ("Bearer ", False), ("Bearer schl\xfcssel", False)],
)  # fmt: skip
def test_the_token_as_bearer_or_password(authorization: str, accepted: bool) -> None:
    assert has_token(authorization, TOKEN) is accepted
    assert not has_token(authorization, "")


@pytest.mark.parametrize("host", ["localhost", "localhost:8189", "127.0.0.1:1", "[::1]", "[::1]:8189"])
def test_names_of_this_machine(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8189", "localhost.evil.example:1", "", ":1", "127.0.0.1.x"]
)
def test_other_names_may_be_rebound(host: str) -> None:
    assert not is_this_machine(host)
