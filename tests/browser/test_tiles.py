"""The launcher's tiles in Chromium, behind the proxy: ComfyUI and the status page without another login."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.support.browser.chromium import Watcher
from tests.support.browser.jupyterlab import Lab
from tests.support.browser.pods import Pod, open_folder
from tests.support.browser.proxied_pod import Scene, new_profile, scene
from tests.support.checkout import ARTIFACTS
from tests.support.checkout import ECHO_COMFYUI as BEHIND
from tests.support.door.running_door import ask
from tests.support.pod import fake_python
from tests.support.ports import free_port
from tests.support.waiting import wait_until

REAL = "COMFYUI_DIR" in os.environ
SOCKET = """() => new Promise((resolve, reject) => {
    const socket = new WebSocket(location.href.replace(/^http/, 'ws') + 'ws');
    socket.onopen = () => socket.send('there and back');
    socket.onmessage = event => resolve(event.data);
    socket.onerror = () => reject(new Error('closed'));
})"""


class PodWithTiles(Pod):
    """Our pod with something behind both tiles: real ComfyUI where there is one."""

    tiles = "link"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.comfyui_port = free_port()

    @property
    def other_ports(self) -> tuple[int, ...]:
        return (self.status_port, self.comfyui_port)

    def environ(self) -> dict[str, str]:
        python = fake_python(self.home.parent)
        stand_in = {"COMFYUI_DIR": str(BEHIND), "COMFYUI_PYTHON": str(python), "COMFYUI_ENABLED": "true"}
        real = {name: os.environ[name] for name in ("COMFYUI_DIR", "COMFYUI_PYTHON") if name in os.environ}
        return (
            super().environ()
            | stand_in
            | real
            | {
                "COMFYUI_PORT": str(self.comfyui_port),
                "JUPYTER_TILES": self.tiles,
            }
        )


class PodWithProxiedTiles(PodWithTiles):
    """Our pod for a user who published JupyterLab's port alone."""

    tiles = "proxy"


@pytest.fixture(scope="module", params=["Host kept", "Host rewritten"])
def on(request: pytest.FixtureRequest, playwright: Playwright) -> Iterator[Scene]:
    with (
        open_folder("tiles") as folder,
        scene(playwright, folder, request.param == "Host kept", PodWithTiles) as made,
    ):
        yield made


@pytest.fixture
def page(on: Scene) -> Iterator[Page]:
    opened = new_profile(on.browser).new_page()
    yield opened
    opened.context.close()


def answers(pod: PodWithTiles) -> bool:
    return ask(pod.comfyui_port, "/system_stats", {"Authorization": f"Bearer {pod.token}"}).status == 200


def open_tile(page: Page, title: str) -> Page:
    card = page.locator(".jp-LauncherCard").filter(has_text=title)
    expect(card).to_be_visible()
    with page.context.expect_page() as opened:
        card.click()
    return opened.value


def opened_lab(on: Scene, page: Page) -> PodWithTiles:
    ARTIFACTS.mkdir(exist_ok=True)
    Lab(page, on.proxy.pod).open(on.pod.token)
    assert isinstance(on.pod, PodWithTiles)
    pod = on.pod
    wait_until(lambda: answers(pod), 120, "ComfyUI answers", 0.5)
    return pod


def test_both_tiles_open_their_page_at_its_own_port_without_another_login(on: Scene, page: Page) -> None:
    pod = opened_lab(on, page)
    watchers = [Watcher(page.context, origin) for origin in (on.proxy.pod,)]
    status = open_tile(page, "Pod status")
    expect(status).to_have_url(f"{on.proxy.at(pod.status_port)}/")
    assert status.evaluate("fetch('status.json').then(answer => answer.json())")["schema"] == 1

    comfyui = open_tile(page, "ComfyUI")
    expect(comfyui).to_have_url(f"{on.proxy.at(pod.comfyui_port)}/")
    sent = comfyui.evaluate(SOCKET)
    if REAL:
        expect(comfyui.locator("#graph-canvas")).to_be_visible(timeout=60_000)
        comfyui.wait_for_function("window.app && window.app.graph && window.app.extensionManager", timeout=60_000)
        comfyui.screenshot(path=ARTIFACTS / "comfyui-of-the-tile.png")
    else:
        assert sent == "there and back"
        upload = "fetch('echo', {method: 'POST', body: new Blob([new Uint8Array(5_000_000)])}).then(a => a.json())"
        assert comfyui.evaluate(upload)["length"] == 5_000_000
    page.screenshot(path=ARTIFACTS / "tiles.png")
    for watcher in watchers:
        assert [problem for problem in watcher.take() if problem.kind == "4xx or 5xx"] == []


def test_the_status_pages_links_lead_to_the_services_without_another_login(on: Scene, page: Page) -> None:
    pod = opened_lab(on, page)
    page.context.clear_cookies()
    page.goto(f"{on.proxy.at(pod.status_port)}/?token={pod.token}")
    for title, address in (("Open ComfyUI", on.proxy.at(pod.comfyui_port) + "/"), ("Open JupyterLab", on.proxy.pod)):
        with page.context.expect_page() as opened:
            page.get_by_role("link", name=title).click()
        expect(opened.value).to_have_url(re.compile("^" + re.escape(address)))
        assert opened.value.title() != "Podkeeper: log in"


def test_no_page_of_jupyterlabs_holds_the_token(on: Scene, page: Page) -> None:
    """A page on JupyterLab's origin could read it there and open a terminal."""
    pod = opened_lab(on, page)
    for path in ("/lab", "/lab/tree/models", "/podkeeper/tiles", "/api/me"):
        text = page.evaluate("path => fetch(path).then(answer => answer.text())", path)
        assert pod.token not in text
    config = page.locator("#jupyter-config-data").text_content() or ""
    assert json.loads(config)["token"] == ""
    assert page.evaluate("document.cookie") in ("", page.evaluate("document.cookie.match(/_xsrf=[^;]*/)?.[0] ?? ''"))


def test_without_the_login_the_address_of_a_tile_shows_the_login_page(on: Scene, page: Page) -> None:
    for name in ("comfyui", "status"):
        page.goto(f"{on.proxy.pod}/podkeeper/open/{name}")
        expect(page.get_by_role("heading")).to_have_text("Log in to this pod")


def test_a_proxied_tile_opens_below_jupyterlabs_address(playwright: Playwright) -> None:
    """JUPYTER_TILES=proxy: one published port is enough."""
    with open_folder("proxied") as folder, scene(playwright, folder, True, PodWithProxiedTiles) as on:
        page = new_profile(on.browser).new_page()
        opened_lab(on, page)
        status = open_tile(page, "Pod status")
        expect(status).to_have_url(f"{on.proxy.pod}/podkeeper/status/")
        assert status.evaluate("fetch('status.json').then(answer => answer.json())")["schema"] == 1
        comfyui = open_tile(page, "ComfyUI")
        expect(comfyui).to_have_url(f"{on.proxy.pod}/podkeeper/comfyui/")
        if not REAL:
            assert comfyui.evaluate(SOCKET) == "there and back"
