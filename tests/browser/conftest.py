"""What all browser tests share: a network, a Playwright, and evidence of failures."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, sync_playwright

from tests.support.browser.network_namespace import own_network
from tests.support.browser.pods import Pod, open_folder
from tests.support.browser.proxied_pod import Scene, scene
from tests.support.nginx import find_program

PACKAGES = {"chromium": "chromium", "nginx": "nginx-light", "openssl": "openssl"}


@pytest.fixture(scope="package", autouse=True)
def network() -> Iterator[None]:
    """Package scope: the tests of the other folders get the machine's own network back."""
    missing = [package for command, package in PACKAGES.items() if not find_program(command)]
    if missing:
        pytest.fail(f"not installed: {', '.join(missing)}; install these Debian packages to run the browser tests")
    with own_network():
        yield


@pytest.fixture(scope="package")
def playwright(network: None) -> Iterator[Playwright]:
    """Started in our network, so that Chromium is, too."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package", params=["Host kept", "Host rewritten"])
def on(request: pytest.FixtureRequest, playwright: Playwright) -> Iterator[Scene]:
    """Our pod as users get it, behind either kind of proxy."""
    keep_host = request.param == "Host kept"
    with open_folder("pod") as folder, scene(playwright, folder, keep_host, Pod) as made:
        yield made
