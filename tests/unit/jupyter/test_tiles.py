"""Headers and query that JupyterLab passes on to the pages behind the tiles."""

from typing import Any

import pytest

from entrypoint.jupyter.tiles import description, tiles, upstream_headers, upstream_query
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings


def test_every_tile_is_a_service_with_a_port_where_it_is_switched_on() -> None:
    ports = {service.name: service.port(Settings()) for service in SERVICES}
    for service in tiles(Settings()):
        assert service.port(Settings()) == ports[service.name]
        switched_off: dict[str, Any] = {f"{service.name}_enabled": False}
        assert service not in tiles(Settings(**switched_off))
        assert description(service)["name"] == service.name


def test_comfyui_and_the_status_page_have_tiles() -> None:
    assert [service.name for service in tiles(Settings())] == ["comfyui", "status"]


def test_login_and_origin_headers_are_not_passed_on() -> None:
    headers = [
        ("Authorization", "token x"), ("Origin", "https://a"), ("Referer", "https://a/?token=x"), ("Host", "a"),
        ("Sec-Fetch-Site", "same-origin"), ("Cookie", "podkeeper-login-8189=1; mine=2; __Host-podkeeper-login-8189=3"),
        ("Accept", "text/html"), ("Connection", "keep-alive"),
    ]  # fmt: skip
    assert upstream_headers(headers, "") == [("Accept", "text/html"), ("Cookie", "mine=2")]
    assert upstream_headers([("Cookie", "_xsrf=1")], "t") == [("Authorization", "token t")]


@pytest.mark.parametrize(
    ("query", "passed"),
    [("", ""), ("token=x", ""), ("a=1&token=x&b=2", "?a=1&b=2"), ("mytoken=1", "?mytoken=1")],
)
def test_the_token_is_taken_out_of_the_query(query: str, passed: str) -> None:
    assert upstream_query(query) == passed
