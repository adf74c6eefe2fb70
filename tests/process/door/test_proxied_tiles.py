"""JUPYTER_TILES=proxy: ComfyUI below JupyterLab's address, without what could change JupyterLab's origin."""

from collections.abc import Iterator

import pytest

from tests.support.door.running_door import BEARER, HTML, Scene, running, websocket

CLICK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
TILE = "/podkeeper/comfyui"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("tiles") / "pod"
    with running(folder, {"JUPYTER_TILES": "proxy"}, others=("jupyter", "status")) as made:
        yield made


def test_what_could_change_the_origin_is_removed(door: Scene) -> None:
    answer = door.ask(f"{TILE}/hostile", BEARER, service="jupyter")
    assert (answer.status, answer.body) == (200, b"hostile")
    stripped = {"set-cookie", "clear-site-data", "service-worker-allowed", "x-accel-redirect"}
    assert not stripped & {name.lower() for name in answer.headers}


def test_at_its_own_port_a_node_cannot_end_the_logins_of_the_other_ports(door: Scene) -> None:
    """All ports of localhost share their cookies."""
    assert "Clear-Site-Data" not in door.ask("/hostile", BEARER).headers


@pytest.mark.parametrize("service", ["jupyter", "status"])
def test_jupyterlab_and_the_status_server_cannot_have_nginx_send_files(door: Scene, service: str) -> None:
    assert door.ask("/hostile", BEARER, service=service).body == b"hostile"


def test_the_path_and_the_query_arrive_and_the_login_does_not(door: Scene) -> None:
    seen = door.ask(f"{TILE}/echo/%2F..%2f?a=%20&token=x", BEARER, service="jupyter").json
    assert seen["uri"] == "/echo/%2F..%2f?a=%20"
    assert not {"Authorization", "X-Podkeeper-Door"} & set(seen["headers"])
    assert door.ask("/podkeeper/status/echo", BEARER, service="jupyter").json["headers"]["X-Podkeeper-Door"]
    assert websocket(door.public("jupyter"), BEARER, f"{TILE}/ws") == 101


@pytest.mark.parametrize(
    "path", ["/podkeeper/%63omfyui/echo", "//podkeeper/comfyui/echo", "/x/../podkeeper/comfyui/echo"]
)
def test_another_spelling_of_the_tile_does_not_bring_the_doors_secret_to_comfyui(door: Scene, path: str) -> None:
    assert b"X-Podkeeper-Door" not in door.ask(path, BEARER, service="jupyter").body


def test_without_the_login_nothing_of_a_tile_is_reached(door: Scene) -> None:
    for path in (f"{TILE}/", f"{TILE}/echo", "/podkeeper/status/", f"{TILE}/manager/reboot"):
        assert door.ask(path, service="jupyter").status == 401
    assert websocket(door.public("jupyter"), path=f"{TILE}/ws") == 401


def test_a_link_opens_the_tile_and_no_address_with_effects_below_it(door: Scene) -> None:
    cookie = {"Cookie": door.ask("/podkeeper/login", BEARER, "POST").cookie}
    assert door.ask(f"{TILE}/", CLICK | cookie, service="jupyter").headers["X-Sec-Fetch-Site"] == "same-origin"
    for path in (f"{TILE}/manager/reboot", f"{TILE}//manager/reboot", f"{TILE}/%6danager/reboot", TILE):
        answer = door.ask(path, CLICK | cookie, service="jupyter")
        assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert door.behind("/queue")["queue_pending"] == []


def test_a_tile_whose_service_is_down_shows_the_page_of_that_service(door: Scene) -> None:
    assert door.ask(f"{TILE}/", BEARER | HTML, service="jupyter").status == 200
