"""The twelve checks, and more, in Chromium through both kinds of proxy, with the login on."""

from collections.abc import Iterator

import pytest

from tests.support.browser.chromium import Watcher, keep_evidence
from tests.support.browser.jupyterlab import Lab
from tests.support.browser.proxied_pod import Scene, new_profile
from tests.support.browser.six_more_checks import CHECKS, run
from tests.support.browser.visit import Visit


@pytest.fixture(scope="module")
def visit(on: Scene) -> Iterator[Visit]:
    """One tab for all checks, as a user would have it."""
    context = new_profile(on.browser)
    watcher = Watcher(context, on.proxy.pod)
    yield Visit(Lab(context.new_page(), on.proxy.pod), on.pod, on.desk, watcher)
    context.close()


@pytest.mark.parametrize("name", CHECKS)
def test_check(visit: Visit, name: str, request: pytest.FixtureRequest) -> None:
    """Passes by its effect on disk and in the page, and the developer tools show nothing bad."""
    try:
        run(name, visit)
    except BaseException:
        keep_evidence(visit.lab.page, request.node.name, visit.watcher)
        raise
