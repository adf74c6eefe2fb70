"""The door's secret, and the tickets that carry a login from one port to another."""

import pytest

from entrypoint.door.pass_through import DOOR_HEADER, is_from_door, keyed_digest, ticket_address
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings

COMFYUI = service_named("comfyui")


@pytest.mark.parametrize(("given", "accepted"), [("s3cret", True), ("s3cretx", False), ("", False), ("\xfc", False)])
def test_a_request_with_the_secret_came_through_the_door(given: str, accepted: bool) -> None:
    assert is_from_door({DOOR_HEADER: given}, "s3cret") is accepted
    assert not is_from_door({DOOR_HEADER: given}, "")
    assert not is_from_door({}, "s3cret")


@pytest.mark.parametrize(
    ("settings", "host", "base"),
    [
        (Settings(), "localhost:8189", "http://localhost:8188"),
        (Settings(), "10.0.0.7:9000", "http://10.0.0.7:8188"),
        (Settings(comfyui_port=1), "[::1]:8189", "http://[::1]:1"),
        (Settings(), "", "http://localhost:8188"),
        (Settings(pod_id="abc"), "100.64.0.7:60000", "https://abc-8188.proxy.runpod.net"),
    ],
)
def test_a_ticket_leads_to_the_services_own_port(settings: Settings, host: str, base: str) -> None:
    ticket = keyed_digest("s3cret", "ticket:comfyui:130")
    address = ticket_address(COMFYUI, settings, host, "s3cret", 100.9)
    assert address == f"{base}/podkeeper/enter?ticket={ticket}&expires=130"


@pytest.mark.parametrize("settings", [Settings(comfyui_auth="none"), Settings(comfyui_internal_port=8188)])
def test_where_no_login_is_asked_for_the_address_has_no_ticket(settings: Settings) -> None:
    assert ticket_address(COMFYUI, settings, "localhost:8189", "s3cret", 1) == "http://localhost:8188/"
