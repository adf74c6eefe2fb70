"""The status page's Nodes card while ComfyUI runs: its restart, ComfyUI-Manager's link, and work that takes long."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.support.browser.chromium import Watcher, launch
from tests.support.browser.comfyui_door import ComfyPod
from tests.support.browser.pods import open_folder, running
from tests.support.browser.proxied_pod import PAGES, Scene
from tests.support.browser.proxies import running_proxy
from tests.support.browser.status_page import SOON, profile, violations
from tests.support.checkout import ARTIFACTS
from tests.support.node_repositories import git, new_repository
from tests.support.waiting import wait_until

#: Characters that an address has another meaning for.
ODD = 'a "node" #1? 50%41 <é>'


@pytest.fixture(scope="module")
def source() -> Iterator[socket.socket]:
    """A node's source, which accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture(scope="module")
def stage(playwright: Playwright, source: socket.socket) -> Iterator[Scene]:
    with open_folder("nodes") as folder:
        nodes = folder / "pod/comfyui/custom_nodes"
        (nodes / ODD).mkdir(parents=True)
        new_repository(nodes / "Slow", {"__init__.py": ""})
        git(nodes / "Slow", "remote", "add", "origin", f"http://127.0.0.1:{source.getsockname()[1]}/x/Slow")
        pod = ComfyPod(folder / "pod")
        with (
            running(pod),
            running_proxy(folder / "proxy", pod.status_port, True, PAGES, others=(pod.comfyui_port,)) as p,
        ):
            pod.wait_for_comfyui()
            report(pod)
            browser = launch(playwright, p)
            try:
                yield Scene(pod, p, browser, folder)
            finally:
                browser.close()


def report(pod: ComfyPod) -> None:
    """What the stand-in for ComfyUI cannot: a node that failed, and a version of ComfyUI-Manager."""
    reports = pod.home / "run/reports"
    wait_until((reports / "node-imports.json").exists, 60, "the program `nodes` has reported what it found")
    (reports / "node-imports.json").write_text(json.dumps({"loaded": {"Slow": 0.1}, "failed": {ODD: "no cv2"}}))
    (reports / "comfyui-launch.json").write_text(json.dumps({"comfyui": "0.29.0", "manager": "4.2.2"}))
    (pod.root / "custom_nodes/a change").mkdir(exist_ok=True)  # the program `nodes` looks again


@pytest.fixture
def page(stage: Scene) -> Iterator[Page]:
    page, watcher = open_page(stage)
    yield page
    page.context.close()
    assert watcher.take() == []


def open_page(stage: Scene) -> tuple[Page, Watcher]:
    page, watcher = profile(stage.browser, stage.proxy)
    page.goto(f"{stage.proxy.pod}/?token={stage.pod.token}")
    expect(page.locator("#nodes-line")).to_contain_text("1 failed", timeout=2 * SOON)
    return page, watcher


def test_managers_link_opens_comfyui_without_another_login(stage: Scene) -> None:
    page, _ = open_page(stage)  # its developer tools know requests to the status page's own origin only
    link = page.get_by_role("link", name="Manager 4.2.2 (in ComfyUI)")
    with page.expect_popup() as opened:
        link.click()
    assert isinstance(stage.pod, ComfyPod)
    expect(opened.value).to_have_url(f"{stage.proxy.at(stage.pod.comfyui_port)}/")
    expect(opened.value.get_by_role("heading")).to_have_text("the real thing")
    page.context.close()


def test_work_that_takes_long_is_shown_on_every_page(stage: Scene, page: Page, source: socket.socket) -> None:
    page.get_by_role("button", name="Check for updates").click()
    expect(page.locator("#nodes-work")).to_have_text("Checking for updates…", timeout=SOON)
    expect(page.locator("#nodes-since")).to_have_text(re.compile(r"^for \d+ s$"))
    other, _ = open_page(stage)
    expect(other.locator("#nodes-work")).to_have_text("Checking for updates…")
    for name in ("Check for updates", f"Repair {ODD}"):
        expect(other.get_by_role("button", name=name)).to_be_disabled()
    refused = other.evaluate("async () => { const r = await fetch('nodes/Slow/repair', {method: 'POST'});"
                             " return [r.status, await r.json()] }")  # fmt: skip
    assert refused == [409, {"problem": "checking for updates is not finished"}]
    assert violations(other) == []
    other.locator("#nodes").screenshot(path=ARTIFACTS / "nodes-working.png")
    other.context.close()
    wait_until(lambda: hang_up(source), 60, "git has given up", 0)
    expect(page.locator("#nodes-work")).to_contain_text("Checking for updates: Slow: ", timeout=SOON)
    expect(page.get_by_role("button", name="Check for updates")).to_be_enabled()
    page.locator("#nodes").screenshot(path=ARTIFACTS / "nodes-worked.png")


def hang_up(source: socket.socket) -> bool:
    """End one connection to the source; True once there is no other."""
    source.settimeout(1)
    try:
        source.accept()[0].close()
    except TimeoutError:
        return True
    return False


def test_a_repaired_node_is_used_after_a_restart_which_asks_first(stage: Scene, page: Page) -> None:
    restart = page.get_by_role("button", name="Restart ComfyUI", exact=True).and_(page.locator("#nodes-restart"))
    expect(restart).to_be_hidden()
    page.get_by_role("button", name=f"Repair {ODD}").click()
    expect(page.locator("#nodes-work")).to_have_text(f"Repairing {ODD}: it asks for no packages.", timeout=SOON)
    expect(restart).to_be_visible()
    assert violations(page) == []
    page.locator("#nodes").screenshot(path=ARTIFACTS / "nodes-restart.png")
    before = comfyui_pid(stage)
    restart.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The workflow that runs now begins again; the queue is kept")
    dialog.get_by_role("button", name="Cancel").click()
    assert comfyui_pid(stage) == before
    restart.click()
    dialog.get_by_role("button", name="Restart").click()
    wait_until(lambda: comfyui_pid(stage) not in (0, before), 30, "another process", 0.2)
    expect(restart).to_be_hidden(timeout=SOON)


def comfyui_pid(stage: Scene) -> int:
    programs = json.loads((stage.pod.home / "run/programs.json").read_text())["programs"]
    return int(programs["comfyui"]["pid"])
