"""The status page in a browser."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from playwright.sync_api import Browser, Page

from tests.support.browser.chromium import Watcher
from tests.support.browser.proxies import Proxy

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
SOON = 20_000  # milliseconds for the page to follow the pod on a busy machine


def profile(browser: Browser, proxy: Proxy, width: int = 1280, scheme: Any = "light") -> tuple[Page, Watcher]:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(SOON)
    return context.new_page(), Watcher(context, proxy.pod)


def violations(page: Page) -> list[str]:
    """What axe-core finds, in words."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run()")
    assert found["passes"]
    return [f"{each['id']}: {each['help']}: {each['nodes'][0]['html']}" for each in found["violations"]]
