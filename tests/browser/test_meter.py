"""An open but idle browser is idle; the countdown in JupyterLab and on the status page, and the buttons."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from tests.support.browser.jupyterlab import Lab
from tests.support.browser.pods import Pod, open_folder
from tests.support.browser.proxied_pod import Scene, new_profile, scene
from tests.support.browser.proxies import POD_ID
from tests.support.browser.status_page import SOON, violations
from tests.support.checkout import ARTIFACTS
from tests.support.runpod_api import KEY, RunPod, runpod_api
from tests.support.waiting import wait_until

#: What the card proposes for a pod that has been idle since.
PROPOSAL = """async changes => {
    const { Meter } = await import("./meter.js");
    const rest = { state: "idle", why: "", stop_at: null, limit: "", run: 9000, idle: 9000, cost: 1, cost_idle: 1,
                   cost_today: 1, spot: false };
    new Meter(() => 0).update({ meter: { ...rest, ...changes } });
    return document.getElementById("meter-proposal").textContent;
}"""


@pytest.fixture(scope="module")
def runpod(network: None) -> Iterator[RunPod]:
    with runpod_api(pod_id=POD_ID, price="0.69", age=7200.0) as made:
        yield made


@pytest.fixture(scope="module")
def stage(playwright: Playwright, runpod: RunPod) -> Iterator[Scene]:
    class PodWithMeter(Pod):
        def environ(self) -> dict[str, str]:
            api = {"RUNPOD_API_KEY": KEY, "RUNPOD_REST_URL": runpod.url}
            return super().environ() | api | {"IDLE_STOP": "12s"}

    with open_folder("meter") as folder, scene(playwright, folder, True, PodWithMeter) as made:
        yield made


def report(stage: Scene) -> dict[str, Any]:
    path = stage.pod.home / "run/reports/meter.json"
    return json.loads(path.read_text()) if path.exists() else {}


def address(stage: Scene) -> str:
    return f"{stage.proxy.pod.replace(f'-{stage.pod.port}.', f'-{stage.pod.status_port}.')}/"


def test_an_open_but_idle_browser_is_idle_and_warned_and_keeps_the_pod(stage: Scene, runpod: RunPod) -> None:
    context = new_profile(stage.browser)
    lab = Lab(context.new_page(), stage.proxy.pod, SOON / 1000)
    lab.open(stage.pod.token)
    page = context.new_page()
    page.goto(f"{address(stage)}?token={stage.pod.token}")
    expect(page.locator("#meter-cost")).to_contain_text("$0.69 an hour. $1.3", timeout=SOON)
    assert (stage.pod.home / "run/activity").stat().st_size > 0  # from here on the pages only poll
    wait_until(lambda: report(stage).get("state") == "soon", 40, f"the countdown; {report(stage)}", 0.1)
    toast = lab.page.locator(".Toastify__toast", has_text="This pod is stopped at")
    expect(toast).to_contain_text("because nothing has happened for a while", timeout=SOON)
    expect(page.locator("#meter-state")).to_contain_text("This pod is stopped in")
    expect(page.locator("#problem-list")).to_contain_text("This pod is stopped at")
    lab.page.screenshot(path=ARTIFACTS / "meter-jupyterlab.png")
    page.screenshot(path=ARTIFACTS / "meter-soon.png", full_page=True)
    toast.get_by_role("button", name="Keep for 2 hours").click()
    wait_until(lambda: report(stage).get("keep_until"), 20, f"it is kept; {report(stage)}", 0.1)
    expect(toast).to_have_count(0, timeout=SOON)
    assert not [each for each in runpod.asked if not each.startswith("GET")]
    expect(page.locator("#meter-actions")).to_be_visible(timeout=SOON)
    for width in (390, 1280):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert violations(page) == []
            page.locator("#meter").screenshot(path=ARTIFACTS / f"meter-{width}-{scheme}.png")
    request: Path = stage.pod.home / "run/requests/keep.json"
    before = json.loads(request.read_text())["until"]
    page.get_by_role("button", name="Keep for 2 h").click()
    expect(page.locator("#told")).to_contain_text("The pod is kept for 2 h.", timeout=SOON)
    assert json.loads(request.read_text())["until"] > before
    proposed = page.evaluate(PROPOSAL, {"idle_since": time.time() - 3900, "action": "", "price": 0.6})
    assert proposed.startswith("Nothing has happened for 1 h 5 min. That has cost $0.65. IDLE_STOP=30m among")
    assert page.evaluate(PROPOSAL, {"idle_since": time.time() - 3000, "action": "", "price": 0.6}) == ""
    assert page.evaluate(PROPOSAL, {"idle_since": time.time() - 9000, "action": "stop", "price": 0.6}) == ""
    context.close()
