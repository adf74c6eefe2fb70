"""ComfyUI behind the gateway in Chromium, through RunPod's proxy: clicks, logins, the starting page, attacks."""

import contextlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, expect

from tests.support.browser.chromium import Watcher
from tests.support.browser.comfyui_door import ATTACKS, Door, Raid, door, log_in
from tests.support.browser.pods import open_folder
from tests.support.browser.proxied_pod import new_profile
from tests.support.browser.proxies import FOREIGN

WORKFLOW = {"1": {"class_type": "Fake", "inputs": {"text": "x"}}}
HEADING = "the real thing"
#: With the guard off at least these succeed, or the harness would miss an attack.
HOLES = {
    "sibling pod": {"fetch POST a prompt", "XHR POST a prompt", "beacon a prompt", "form POST a prompt",
                    "upload an image", "WebSocket", "frame", "image of an address with effects",
                    "link to an address with effects"},
}  # fmt: skip


@pytest.fixture(scope="module", params=["Host kept", "Host rewritten"])
def on(request: pytest.FixtureRequest, playwright: Playwright) -> Iterator[Door]:
    with open_folder("gateway") as folder, door(playwright, folder, request.param == "Host kept") as made:
        made.pod.wait_for_comfyui()
        yield made


def test_a_click_in_the_console_opens_comfyui_and_the_token_leaves_the_address(on: Door) -> None:
    context = new_profile(on.browser)
    page = context.new_page()
    page.goto(FOREIGN)
    for path in (f"/?token={on.pod.token}", "/"):  # the second time the cookie is enough
        page.goto(FOREIGN)
        page.evaluate("url => { document.body.innerHTML = `<a href=${url}>open</a>` }", on.proxy.pod + path)
        page.get_by_text("open").click()
        expect(page.get_by_role("heading")).to_have_text(HEADING)
        assert page.url == f"{on.proxy.pod}/"
    (cookie,) = context.cookies(on.proxy.pod)
    assert cookie["name"].startswith("__Host-podkeeper-")
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Lax")
    context.close()


def test_the_login_page_takes_the_token_and_no_other(on: Door) -> None:
    context = new_profile(on.browser)
    page = context.new_page()
    page.goto(f"{on.proxy.pod}/?a=b")
    page.get_by_label("Token").fill("a guess with a €")
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the token.")
    page.get_by_label("Token").fill(on.pod.token)
    page.get_by_role("button").click()
    expect(page.get_by_role("heading")).to_have_text(HEADING)
    assert page.url == f"{on.proxy.pod}/?a=b"
    context.close()


def test_a_percent_encoded_token_leads_to_the_login_page_without_it_in_the_address(on: Door) -> None:
    page = new_profile(on.browser).new_page()
    page.goto(f"{on.proxy.pod}/?token=%{ord(on.pod.token[0]):x}{on.pod.token[1:]}")
    expect(page.get_by_role("heading")).to_have_text(HEADING)
    assert page.url == f"{on.proxy.pod}/"
    page.context.close()


def test_websockets_pass(on: Door) -> None:
    page = log_in(new_profile(on.browser), on)
    said = page.evaluate("""() => new Promise((resolve, reject) => {
        const socket = new WebSocket(location.origin.replace("http", "ws") + "/ws?clientId=1"), told = [];
        socket.onmessage = (event) => {
          told.push(event.data);
          if (told.length === 1) socket.send("x".repeat(1000000));
          else resolve(told.map((each) => each.length));
        };
        socket.onerror = reject;
    })""")
    assert said == [len('{"type": "status", "data": {"sid": "1"}}'), 1_000_000]
    page.context.close()


def test_the_starting_page_says_why_and_becomes_comfyui(on: Door) -> None:
    context = new_profile(on.browser)
    page = log_in(context, on)
    on.pod.podkeeper("stop")
    watcher = Watcher(context, on.proxy.pod)
    page.goto(f"{on.proxy.pod}/")
    expect(page.get_by_role("heading")).to_have_text("ComfyUI is starting")
    expect(page.locator("#state")).to_contain_text("not running (STOPPED)")
    expect(page.locator("#conditions")).to_contain_text("NoGpu")
    on.pod.podkeeper("start")
    expect(page.get_by_role("heading")).to_have_text(HEADING, timeout=20_000)
    assert watcher.take() == []
    context.close()


def test_a_stranger_sees_nothing_of_the_pods_state(on: Door) -> None:
    on.pod.podkeeper("stop")
    page = new_profile(on.browser).new_page()
    page.goto(f"{on.proxy.pod}/")
    expect(page.get_by_role("heading")).to_have_text("Log in to this pod")
    assert "NoGpu" not in page.content()
    on.pod.podkeeper("start")
    on.pod.wait_for_comfyui()
    page.context.close()


@pytest.mark.parametrize("neighbour", ["sibling pod", "foreign site"])
def test_no_attack_succeeds(on: Door, neighbour: str) -> None:
    context = new_profile(on.browser)
    log_in(context, on)
    site = on.proxy.sibling if neighbour == "sibling pod" else FOREIGN
    assert len(ATTACKS) >= 9
    assert Raid(context, on, WORKFLOW).run(site) == {}
    context.close()


def test_with_the_guard_off_the_same_attacks_succeed(playwright: Playwright) -> None:
    """The negative control: the same login, the same pages."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(open_folder("gateway-open"))
        on = stack.enter_context(door(playwright, folder, keep_host=True))
        on.pod.wait_for_comfyui()
        on.pod.guard_off()
        context = new_profile(on.browser)
        log_in(context, on)
        successes = Raid(context, on, WORKFLOW).run(on.proxy.sibling)
        print(*successes.items(), sep="\n")
        assert successes.keys() >= HOLES["sibling pod"]
