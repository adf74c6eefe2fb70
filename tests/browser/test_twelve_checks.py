"""The twelve checks, and more, in Chromium through both kinds of proxy, with the login on."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright

from tests.browser import checks
from tests.browser.chromium import Watcher, keep_evidence
from tests.browser.lab import Lab
from tests.browser.pod import Pod, open_folder
from tests.browser.scene import new_profile, scene


@pytest.fixture(scope="module", params=["Host kept", "Host rewritten"])
def visit(request: pytest.FixtureRequest, playwright: Playwright) -> Iterator[checks.Visit]:
    """One tab for all checks, as a user would have it."""
    with open_folder("checks") as folder, scene(playwright, folder, request.param == "Host kept", Pod) as on:
        context = new_profile(on.browser)
        watcher = Watcher(context, on.proxy.pod)
        yield checks.Visit(Lab(context.new_page(), on.proxy.pod), on.pod, on.desk, watcher)


@pytest.mark.parametrize("name", checks.CHECKS)
def test_check(visit: checks.Visit, name: str, request: pytest.FixtureRequest) -> None:
    """Passes by its effect on disk and in the page, and the developer tools show nothing bad."""
    try:
        checks.run(name, visit)
    except BaseException:
        keep_evidence(visit.lab.page, request.node.name, visit.watcher)
        raise
