"""A pod, the proxy in front of it and Chromium behind that: what a browser test plays in."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator

from playwright.sync_api import Browser, BrowserContext, Playwright

from tests.support.browser.chromium import launch
from tests.support.browser.pods import Pod, running
from tests.support.browser.proxies import Proxy, running_proxy

PAGES = pathlib.Path(__file__).parent / "pages"


@dataclasses.dataclass(frozen=True)
class Scene:
    """The pieces, all running."""

    pod: Pod
    proxy: Proxy
    browser: Browser
    desk: pathlib.Path


@contextlib.contextmanager
def scene(
    playwright: Playwright, folder: pathlib.Path, keep_host: bool, make_pod: Callable[[pathlib.Path], Pod]
) -> Iterator[Scene]:
    """Set up under `folder`, which other users must be able to enter."""
    with (
        running(make_pod(folder / "pod")) as pod,
        running_proxy(folder / "proxy", pod.port, keep_host, PAGES, others=pod.other_ports) as proxy,
    ):
        browser = launch(playwright, proxy)
        try:
            yield Scene(pod, proxy, browser, folder)
        finally:
            browser.close()


def new_profile(browser: Browser) -> BrowserContext:
    """A browser profile that knows no pod yet."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    return context
