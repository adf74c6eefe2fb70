"""The login cookie's name, and which requests can delete it."""

from types import SimpleNamespace
from typing import Any

import pytest
from tornado.httputil import HTTPHeaders

from entrypoint.door.guard import OriginBoundIdentityProvider

HOST = "abc123-8189.proxy.runpod.net"


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
def test_only_the_pods_own_page_or_the_address_bar_can_log_out(site: str, logs_out: bool) -> None:
    handler = Handler("https", **{"Sec-Fetch-Site": site})
    OriginBoundIdentityProvider().clear_login_cookie(handler)
    # Without Secure browsers ignore the deletion of a __Host- cookie.
    expected = [(f"__Host-{STOCK_NAME}", {"path": "/", "secure": True})] if logs_out else []
    assert handler.cleared == expected
