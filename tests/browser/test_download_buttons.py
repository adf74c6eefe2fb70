"""The extension of ComfyUI's page: its buttons, its panel, and that it costs ComfyUI nothing where it cannot work."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.support.browser.chromium import ARGUMENTS
from tests.support.browser.extension_page import StandIn, model, open_page, pack, plan_of
from tests.support.nginx import find_program

A = model("a.safetensors")


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    started = playwright.chromium.launch(executable_path=find_program("chromium"), headless=True, args=ARGUMENTS)
    yield started
    started.close()


def test_without_the_pod_nothing_is_added(browser: Browser) -> None:
    page = open_page(browser, StandIn(plan_of(A), here=False))
    assert page.evaluate("() => window.tab ?? null") is None
    assert page.locator("[data-podkeeper]").count() == 0
    page.close()


def test_one_click_downloads_what_is_missing_and_the_widgets_have_it(browser: Browser) -> None:
    gone = model("gone.pt", state="unavailable", note="NotFound: HTTP 404")
    pod = StandIn(plan_of(A, gone, model("here.pt", state="installed"), model("b.pt", state="no address", url=None)))
    page = open_page(browser, pod)
    overlay = page.locator('[data-podkeeper="overlay"]')
    expect(overlay).to_have_text("Download to this pod (2.0 GB)")
    assert overlay.get_attribute("class") == "theirs"
    expect(page.locator('[data-podkeeper="one"]')).to_have_count(1)
    expect(page.locator('[data-podkeeper="nodes"]')).to_have_count(0)
    pod.runs(models=[{"dest": "vae/a.safetensors", "state": "fetching", "bytes": 42, "size": 100, "problem": None}])
    overlay.click()
    expect(page.locator('[data-podkeeper="one"]')).to_have_text("42%")
    for kind in ("overlay", "all", "one"):
        expect(page.locator(f'[data-podkeeper="{kind}"]')).to_be_disabled()
    assert page.evaluate("() => window.app.extensionManager.sidebarTab.activeSidebarTabId") == "podkeeper"
    assert pod.asked["fetch"] == [
        {"plan": "1" * 64, "title": "my flow", "models": ["vae/a.safetensors"], "nodes": []}  # not the one that is gone
    ]
    pod.plan = plan_of(model("a.safetensors", state="installed"))
    pod.ends([], [{"dest": "vae/a.safetensors", "state": "there"}])
    expect(overlay).to_have_count(0)
    assert page.evaluate("() => [window.refreshed, window.toasts.map((each) => each.severity)]") == [1, ["success"]]
    page.close()


def test_the_panel_names_what_is_missing_and_why_and_parses_no_markup(browser: Browser) -> None:
    markup = "<img src=x onerror=window.broken=1>.pt"
    notes = model("b.pt", state="no address", url=None, candidates=["https://h/b.pt (the template x)"])
    pod = StandIn(plan_of(model(markup, note="<b>why</b>"), notes, nodes=[pack("acme/Nodes"), pack("acme/More")]))
    page = open_page(browser, pod, lists="<p>another version of ComfyUI's page</p>")
    page.evaluate("() => window.tab.render(document.querySelector('#panel'))")
    panel = page.locator(".podkeeper")
    for words in (markup, "<b>why</b>", "perhaps https://h/b.pt (the template x)", "0 of 2 models are here.",
                  "about 40 s", "acme/Nodes", "A node is a program"):  # fmt: skip
        expect(panel).to_contain_text(words)
    assert panel.locator("img, b").count() == 0
    assert page.evaluate("() => window.broken ?? 0") == 0
    pod.runs(nodes=[{"name": "acme/Nodes", "state": "installing", "text": ""}])
    page.get_by_role("button", name="Install acme/Nodes on this pod").click()
    expect(panel).to_contain_text("installing")
    assert pod.asked["fetch"][0]["nodes"] == ["acme/Nodes"]
    pod.ends([], [], [{"name": "acme/Nodes", "state": "installed", "text": ""}])
    expect(panel).to_contain_text("ComfyUI restarts once its queue is empty")
    pod.state |= {"restarted": 6}
    expect(page.get_by_role("button", name="Reload this page")).to_be_visible()
    page.evaluate("() => window.tab.destroy()")
    page.close()


def test_a_plan_that_is_forgotten_is_made_again_and_a_gap_is_waited_for(browser: Browser) -> None:
    pod = StandIn(plan_of(A), status={"fetch": [404]})
    page = open_page(browser, pod)
    button = page.locator('[data-podkeeper="all"]')
    expect(button).to_be_enabled()
    pod.status["state"] = [503]
    pod.runs()
    button.click()
    expect(button).to_have_text("Downloading to this pod…")
    pod.ends(["vae/a.safetensors: NotFound: HTTP 404; check it"], [])
    expect(button).to_have_text(re.compile("^Download to this pod"))
    assert [len(pod.asked[name]) for name in ("plan", "fetch")] == [3, 2]
    toasts = page.evaluate("() => window.toasts.map((each) => [each.severity, each.detail])")
    assert toasts == [["warn", "vae/a.safetensors: NotFound: HTTP 404; check it"]]
    page.close()


def test_a_job_of_before_a_reload_is_followed_and_one_that_the_pod_forgot_is_dropped(browser: Browser) -> None:
    pod = StandIn(plan_of(A))
    pod.runs(models=[{"dest": "vae/a.safetensors", "state": "fetching", "bytes": 7, "size": 100, "problem": None}])
    pod.state["waiting"] = ["job-1"]
    page = open_page(browser, pod)
    expect(page.locator('[data-podkeeper="one"]')).to_have_text("7%")
    pod.state = {}  # the pod has started anew
    expect(page.locator('[data-podkeeper="one"]')).to_be_enabled()
    page.close()


def test_a_refusal_is_told(browser: Browser) -> None:
    pod = StandIn(plan_of(A), status={"fetch": [503]})
    page = open_page(browser, pod)
    page.locator('[data-podkeeper="one"]').click()
    page.wait_for_function("() => window.toasts.length === 1")
    assert page.evaluate("() => window.toasts[0].detail") == "fetch is refused"
    expect(page.locator('[data-podkeeper="one"]')).to_be_enabled()
    pod.status["plan"] = [413]
    page.evaluate(
        "() => { window.app.extension.afterConfigureGraph(); window.tab.render(document.querySelector('#panel')) }"
    )
    expect(page.get_by_role("alert")).to_have_text("plan is refused")
    page.close()
