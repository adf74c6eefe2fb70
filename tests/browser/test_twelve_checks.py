"""The twelve checks, and more, in Chromium through both kinds of proxy, with the login on."""

from collections.abc import Iterator

import pytest

from tests.browser import checks
from tests.browser.chromium import Watcher, keep_evidence
from tests.browser.lab import Lab
from tests.browser.scene import Scene, new_profile


@pytest.fixture(scope="module")
def visit(on: Scene) -> Iterator[checks.Visit]:
    """One tab for all checks, as a user would have it."""
    context = new_profile(on.browser)
    watcher = Watcher(context, on.proxy.pod)
    yield checks.Visit(Lab(context.new_page(), on.proxy.pod), on.pod, on.desk, watcher)
    context.close()


@pytest.mark.parametrize("name", checks.CHECKS)
def test_check(visit: checks.Visit, name: str, request: pytest.FixtureRequest) -> None:
    """Passes by its effect on disk and in the page, and the developer tools show nothing bad."""
    try:
        checks.run(name, visit)
    except BaseException:
        keep_evidence(visit.lab.page, request.node.name, visit.watcher)
        raise
