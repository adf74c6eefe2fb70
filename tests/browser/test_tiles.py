"""The launcher's tiles in Chromium, behind the proxy: ComfyUI and the status page without another port or login."""

from __future__ import annotations

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

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.comfyui_port = free_port()

    def environ(self) -> dict[str, str]:
        python = fake_python(self.home.parent)
        stand_in = {"COMFYUI_DIR": str(BEHIND), "COMFYUI_PYTHON": str(python), "COMFYUI_ENABLED": "true"}
        real = {name: os.environ[name] for name in ("COMFYUI_DIR", "COMFYUI_PYTHON") if name in os.environ}
        return super().environ() | stand_in | real | {"COMFYUI_PORT": str(self.comfyui_port)}


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


def answers(pod: Pod) -> bool:
    try:
        return bool(pod.api("GET", "/podkeeper/comfyui/system_stats"))
    except AssertionError:  # 502 as long as it does not
        return False


def open_tile(page: Page, title: str) -> Page:
    card = page.locator(".jp-LauncherCard").filter(has_text=title)
    expect(card).to_be_visible()
    with page.context.expect_page() as opened:
        card.click()
    return opened.value


def test_both_tiles_open_their_page_behind_the_same_login(on: Scene, page: Page) -> None:
    """One published port, one login; no console error and no request to another address."""
    ARTIFACTS.mkdir(exist_ok=True)
    watcher = Watcher(page.context, on.proxy.pod)
    lab = Lab(page, on.proxy.pod)
    lab.open(on.pod.token)
    wait_until(lambda: answers(on.pod), 120, "ComfyUI answers", 0.5)

    status = open_tile(page, "Pod status")
    expect(status).to_have_url(f"{on.proxy.pod}/podkeeper/status/")
    assert status.evaluate("fetch('status.json').then(answer => answer.json())")["schema"] == 1

    comfyui = open_tile(page, "ComfyUI")
    expect(comfyui).to_have_url(f"{on.proxy.pod}/podkeeper/comfyui/")
    sent = comfyui.evaluate(SOCKET)
    if REAL:
        expect(comfyui.locator("#graph-canvas")).to_be_visible(timeout=60_000)
        comfyui.wait_for_function("window.app && window.app.graph && window.app.extensionManager", timeout=60_000)
        comfyui.screenshot(path=ARTIFACTS / "comfyui-behind-the-tile.png")
    else:
        assert sent == "there and back"
        upload = "fetch('echo', {method: 'POST', body: new Blob([new Uint8Array(5_000_000)])}).then(a => a.json())"
        assert comfyui.evaluate(upload)["length"] == 5_000_000
    page.screenshot(path=ARTIFACTS / "tiles.png")
    if not REAL:  # ComfyUI's own page asks for pictures at the top of its host, and its makers for news
        assert watcher.take() == []


def test_without_the_login_the_address_leads_to_the_form(on: Scene, page: Page) -> None:
    page.goto(f"{on.proxy.pod}/podkeeper/comfyui/")
    expect(page).to_have_url(re.compile(r"/login\?next=%2Fpodkeeper%2Fcomfyui%2F$"))
