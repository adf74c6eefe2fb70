"""What all browser tests share: a network, a Playwright, and evidence of failures."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, sync_playwright

from tests.browser.network import own_network


@pytest.fixture(scope="package", autouse=True)
def network() -> Iterator[None]:
    """Package scope: the tests of the other folders get the machine's own network back."""
    with own_network():
        yield


@pytest.fixture(scope="package")
def playwright(network: None) -> Iterator[Playwright]:
    """Started in our network, so that Chromium is, too."""
    with sync_playwright() as started:
        yield started
