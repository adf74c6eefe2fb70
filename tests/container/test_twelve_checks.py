"""The twelve checks (PODKEEPER_LONG=1: and more) in Chromium through the RunPod-like proxy, against the container."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, sync_playwright

from tests.support.browser.chromium import Watcher, keep_evidence
from tests.support.browser.jupyterlab import Lab
from tests.support.browser.pods import open_folder
from tests.support.browser.proxied_pod import Scene, new_profile, scene
from tests.support.browser.six_more_checks import CHECKS, run
from tests.support.browser.twelve_checks import TWELVE
from tests.support.browser.visit import Visit
from tests.support.container.container_pod import ContainerPod, network_of_a_container
from tests.support.container.log_check import AT_A_STOP, AT_WORK, unexpected

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can enter a container's network"),
    pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium"),
]


@pytest.fixture(scope="module")
def network(image: str) -> Iterator[str]:
    with network_of_a_container(image) as holder:
        yield holder


@pytest.fixture(scope="module")
def playwright(network: str) -> Iterator[Playwright]:
    """Started in that network, so that Chromium is, too."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def on(playwright: Playwright, network: str, image: str) -> Iterator[Scene]:
    """Behind the proxy that rewrites Host, which is the harder one."""
    options = ("--env", "COMFYUI_ENABLED=false")
    with open_folder("container") as folder:
        make = lambda home: ContainerPod(home, image, network, options)  # noqa: E731
        with scene(playwright, folder, keep_host=False, make_pod=make) as made:
            yield made
        assert isinstance(made.pod, ContainerPod)
        loud = [line for log in made.pod.logs for line in unexpected(log, *AT_A_STOP, *AT_WORK)]
        assert loud == [], "\n".join(loud)


@pytest.fixture(scope="module")
def visit(on: Scene) -> Iterator[Visit]:
    """One tab for all checks, as a user would have it."""
    context = new_profile(on.browser)
    watcher = Watcher(context, on.proxy.pod)
    yield Visit(Lab(context.new_page(), on.proxy.pod), on.pod, on.desk, watcher)
    context.close()


@pytest.mark.parametrize("name", CHECKS if os.environ.get("PODKEEPER_LONG") else TWELVE)
def test_check(visit: Visit, name: str, request: pytest.FixtureRequest) -> None:
    """By its effect on the volume and in the page, and the developer tools show nothing bad."""
    try:
        run(name, visit)
    except BaseException:
        keep_evidence(visit.lab.page, f"container-{request.node.name}", visit.watcher)
        raise
