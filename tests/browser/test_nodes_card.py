"""The status page's cards of the nodes and of the queue in Chromium: on a phone and a desktop, light and dark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.support.browser.chromium import launch
from tests.support.browser.pods import Pod, open_folder, running
from tests.support.browser.proxied_pod import PAGES, Scene
from tests.support.browser.proxies import running_proxy
from tests.support.browser.status_page import SOON, profile, violations
from tests.support.checkout import ARTIFACTS
from tests.support.node_repositories import commit, git, new_repository
from tests.support.waiting import wait_until

WHY = "it ended ComfyUI 2 times while it was loaded: killed by SIGSEGV"
LONG = "ComfyUI-A-Name-That-Is-So-Long-That-A-Phone-Has-No-Room-For-It-In-One-Line-" + "x" * 60
ODD = '<b onclick="alert(1)">odd</b> & "co"'


class PodWithNodes(Pod):
    """ComfyUI itself is missing: its launcher ends before it decides about nodes."""

    def environ(self) -> dict[str, str]:
        return super().environ() | {"COMFYUI_ENABLED": "true", "COMFYUI_DIR": "/nowhere"}


@pytest.fixture(scope="module")
def stage(playwright: Playwright) -> Iterator[Scene]:
    """A pod with nodes in every state, one of which has a newer commit."""
    with open_folder("nodes") as folder:
        home = folder / "pod"
        nodes = home / "comfyui/custom_nodes"
        for name in ("Fails", "Bad", LONG, ODD, "Off.disabled"):
            (nodes / name.replace("/", "-")).mkdir(parents=True)
        repository = new_repository(folder / "ComfyUI-Probe", {"__init__.py": ""})
        git(nodes, "clone", "--quiet", str(repository), "ComfyUI-Probe")
        commit(repository, {"__init__.py": "NODE_CLASS_MAPPINGS = {}"})
        left_out = home / "comfyui/.podkeeper/nodes.json"
        left_out.parent.mkdir(parents=True)
        left_out.write_text(json.dumps({"left_out": {"Bad": {"reason": WHY, "stamp": ""}}}))
        with (
            running(PodWithNodes(home)) as pod,
            running_proxy(folder / "proxy", pod.status_port, True, PAGES) as proxy,
        ):
            loaded = {"ComfyUI-Probe": 0.2, LONG: 0.1, ODD.replace("/", "-"): 0.1}
            report = {"loaded": loaded, "failed": {"Fails": "No module named 'cv2'"}}
            (home / "run/reports/node-imports.json").write_text(json.dumps(report))
            (home / "run/reports/comfyui-launch.json").write_text(json.dumps({"comfyui": "0.29.0", "manager": "4.2.2"}))
            aside = {"id": "6f1c-<b>x</b>-" + "y" * 80, "why": f"ComfyUI died 2 times while it ran {WHY}", "at": 1e9}
            kept = {"waiting": 2, "asked": 3, "aside": [aside], "more": 0, "drained": True}
            (home / "run/reports/queue.json").write_text(json.dumps(kept))
            (nodes / "a change").mkdir()  # the program `nodes` looks again
            browser = launch(playwright, proxy)
            try:
                yield Scene(pod, proxy, browser, folder)
            finally:
                browser.close()


def open_page(stage: Scene, width: int = 1280, scheme: Any = "light") -> Page:
    page, _ = profile(stage.browser, stage.proxy, width, scheme)
    page.goto(f"{stage.proxy.pod}/?token={stage.pod.token}")
    expect(page.locator("#nodes-line")).to_contain_text("1 failed, 1 left out", timeout=SOON)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_card_fits_every_screen_and_is_accessible(stage: Scene, width: int, scheme: str) -> None:
    page = open_page(stage, width, scheme)
    expect(page.locator("#nodes-wrong")).to_contain_text("No module named 'cv2'")
    expect(page.locator("#nodes-wrong")).to_contain_text(WHY)
    page.locator("#nodes-rest summary").click()
    expect(page.locator("#nodes-rest")).to_contain_text('<b onclick="alert(1)">')
    assert page.locator("#nodes b").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert violations(page) == []
    page.locator("#nodes").screenshot(path=ARTIFACTS / f"nodes-{width}-{scheme}.png")
    page.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_the_queues_card_fits_every_screen_and_its_buttons_ask(stage: Scene, width: int, scheme: str) -> None:
    """The keeper inside ComfyUI takes the requests; none runs here."""
    page = open_page(stage, width, scheme)
    card = page.locator("#queue")
    expect(card).to_contain_text("3 workflows of before the restart wait for you.", timeout=SOON)
    expect(card).to_contain_text("The pod is drained: no workflow is accepted or begun; 2 workflows wait.")
    assert page.locator("#queue b").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert violations(page) == []
    card.screenshot(path=ARTIFACTS / f"queue-{width}-{scheme}.png")
    requests = stage.pod.root.parent / "run/requests"
    before = {*requests.glob("queue-request-*")}
    card.get_by_role("button", name="Run again").click()
    wait_until(lambda: {*requests.glob("queue-request-*")} - before, 10, "the request is there")
    (made,) = {*requests.glob("queue-request-*")} - before
    assert json.loads(made.read_text()) == {"do": "restore", "ids": ["6f1c-<b>x</b>-" + "y" * 80]}
    card.get_by_role("button", name="Forget all").click()
    page.locator("#confirm-yes").click()
    wait_until(lambda: len({*requests.glob("queue-request-*")} - before) == 2, 10, "the second request is there")
    page.context.close()


def test_the_buttons_do_what_they_say(stage: Scene) -> None:
    page = open_page(stage)
    page.get_by_role("button", name="Check for updates").click()
    expect(page.locator("#nodes-line")).to_contain_text("1 update available", timeout=SOON)
    expect(page.locator("#nodes-rest")).to_have_attribute("open", "")  # it opens by itself
    marks = page.locator("#nodes .state:visible")
    expect(marks).to_have_text(["Update available"])
    page.get_by_role("button", name="Update ComfyUI-Probe").click()
    expect(page.locator("#nodes-work")).to_contain_text("updated to", timeout=SOON)
    expect(marks).to_have_count(0, timeout=SOON)
    page.get_by_role("button", name="Try again Bad").click()
    expect(page.locator("#nodes-work")).to_contain_text("tried at the next start", timeout=SOON)
    expect(page.locator("#nodes-wrong")).not_to_contain_text("left out", timeout=SOON)
    page.get_by_role("button", name="Repair Fails").click()
    expect(page.locator("#nodes-work")).to_contain_text("it asks for no packages", timeout=SOON)
    page.reload()
    expect(page.locator("#nodes-work")).to_contain_text("it asks for no packages", timeout=SOON)
    page.context.close()
