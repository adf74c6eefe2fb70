"""Attacks by hostile pages in the user's logged-in browser: none succeeds; with the guard off, many do."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright

from tests.support.browser.attack_pages import Stage
from tests.support.browser.jupyterlab import Lab
from tests.support.browser.pods import Pod, open_folder
from tests.support.browser.proxied_pod import Scene, new_profile, scene
from tests.support.browser.proxies import FOREIGN

# At least these must succeed then, or the harness would miss an attack.
HOLES: dict[str, set[str]] = {
    "sibling pod": {
        "fetch POST a new file",
        "fetch POST a terminal",
        "fetch POST a kernel",
        "fetch POST shutdown",
        "WebSocket to a terminal",
        "WebSocket to a kernel",
        "WebSocket to the events",
        "script from a file",
        "form POST a new file",
        "image logs out",
    },
    # The cookie is SameSite=Lax: only a followed link of a foreign site carries it.
    "foreign site": {"link logs out"},
}


@pytest.fixture
def stage(on: Scene) -> Iterator[Stage]:
    """A fresh browser profile."""
    context = new_profile(on.browser)
    yield Stage(context, on.pod, on.proxy.pod)
    context.close()


@pytest.mark.parametrize("neighbour", ["sibling pod", "foreign site"])
def test_no_attack_succeeds(on: Scene, stage: Stage, neighbour: str) -> None:
    """All five settings in place: no file, kernel or terminal made or touched, nothing read, no user logged out."""
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


def test_the_user_can_log_out(on: Scene, stage: Stage) -> None:
    """What no attack may do, the pod's own page can: File > Log Out leads to /logout."""
    stage.log_in()
    page = stage.context.new_page()
    page.goto(f"{on.proxy.pod}/static/logo/logo.png")  # JupyterLab itself would log in again with its token
    page.evaluate("location.href = '/logout'")
    page.wait_for_url("**/logout")
    assert not stage.logged_in()


def test_with_the_guard_off_the_same_attacks_succeed(playwright: Playwright) -> None:
    """The negative control: same five settings and token, a door without the guard; every kind of hole is seen."""
    with open_folder("guard-off") as folder, scene(playwright, folder, True, Pod) as on:
        on.pod.guard_off()
        stage = Stage(new_profile(on.browser), on.pod, on.proxy.pod)
        for neighbour, site in {"sibling pod": on.proxy.sibling, "foreign site": FOREIGN}.items():
            successes = stage.attack_from(site)
            print(*(f"{neighbour}: {name}: {done}" for name, done in successes.items()), sep="\n")
            assert successes.keys() >= HOLES[neighbour]
