"""What hostile pages in the user's logged-in browser can do to the pod: nothing; and with the guard off, a lot."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Playwright

from tests.browser.attacks import Stage
from tests.browser.lab import Lab
from tests.browser.pod import Pod, open_folder
from tests.browser.proxy import FOREIGN
from tests.browser.scene import Scene, new_profile, scene

GUARD_OFF = """
c.ServerApp.identity_provider_class = "jupyter_server.auth.identity.PasswordIdentityProvider"
"""


@pytest.fixture(scope="module", params=["Host kept", "Host rewritten"])
def on(request: pytest.FixtureRequest, playwright: Playwright) -> Iterator[Scene]:
    """Our pod, as it is."""
    with open_folder("attacks") as folder, scene(playwright, folder, request.param == "Host kept", Pod) as made:
        yield made


@pytest.fixture
def stage(on: Scene) -> Iterator[Stage]:
    """A fresh browser profile."""
    context = new_profile(on.browser)
    yield Stage(context, on.pod, on.proxy.pod)
    context.close()


@pytest.mark.parametrize("neighbour", ["sibling pod", "foreign site"])
def test_no_attack_succeeds(on: Scene, stage: Stage, neighbour: str) -> None:
    """All five settings in place: no file, kernel or terminal made or touched, nothing read, nobody logged out."""
    site = on.proxy.sibling if neighbour == "sibling pod" else FOREIGN
    successes = stage.attack_from(site)
    assert len(stage.tried) >= 20
    assert successes == {}


def test_a_click_from_elsewhere_opens_jupyterlab(on: Scene, stage: Stage) -> None:
    """RunPod's console links to the pod from another site: the login's cookie counts for that."""
    stage.log_in()
    page = stage.context.new_page()
    page.goto(FOREIGN)
    page.evaluate("url => { document.body.innerHTML = `<a href=${url}>open</a>` }", f"{on.proxy.pod}/lab")
    page.get_by_text("open").click()
    lab = Lab(page, on.proxy.pod)
    lab.wait_until_ready()
    lab.sees("models")
