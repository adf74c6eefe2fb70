"""The status page in Chromium, through the proxy: on a phone and a desktop, light and dark, and under attack."""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from playwright.sync_api import Page, Playwright, expect

from entrypoint.conditions.registry import severity_of
from tests.support.browser.chromium import keep_evidence, launch
from tests.support.browser.pods import Pod, open_folder, running
from tests.support.browser.proxied_pod import PAGES, Scene
from tests.support.browser.proxies import FOREIGN, running_proxy
from tests.support.browser.status_page import SOON, profile, violations
from tests.support.condition_tests import PRODUCED_BY
from tests.support.waiting import wait_until

CONDITION = {
    "name": "DataReadOnly",  # no program that runs here clears it
    "reason": "/workspace/comfyui has 0 bytes free",
    "remedy": "delete what you do not need",
    "since": 1.0,
}


@pytest.fixture(scope="module", params=[True, False], ids=["Host kept", "Host rewritten"])
def stage(request: pytest.FixtureRequest, playwright: Playwright) -> Iterator[Scene]:
    """A pod whose status page is what the proxy publishes."""
    with (
        open_folder("status") as folder,
        running(Pod(folder / "pod")) as pod,
        running_proxy(folder / "proxy", pod.status_port, request.param, PAGES) as proxy,
    ):
        browser = launch(playwright, proxy)
        try:
            yield Scene(pod, proxy, browser, folder)
        finally:
            browser.close()


@pytest.fixture
def tab(stage: Scene, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page, logged in; at the end nothing bad is in the developer tools."""
    page, watcher = profile(stage.browser, stage.proxy)
    page.goto(f"{stage.proxy.pod}/?token={stage.pod.token}")
    expect(page.locator("#headline")).to_have_text("Everything runs.", timeout=SOON)
    unfold(page)
    yield page
    problems = watcher.take()
    if problems:
        keep_evidence(page, request.node.name, watcher)
    page.context.close()
    assert problems == []


def unfold(page: Page) -> None:
    """Open what is folded while all is fine."""
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_accessible_on_every_screen(stage: Scene, width: int, scheme: str) -> None:
    """No violation axe-core knows of, nothing to scroll sideways, nothing bad in the developer tools."""
    page, watcher = profile(stage.browser, stage.proxy, width, scheme)
    page.goto(stage.proxy.pod)
    expect(page.get_by_role("heading")).to_have_text("Log in to this pod")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert {problem.text[:3] for problem in watcher.take()} <= {"401", "Fai"}  # the login page's own status
    page.goto(f"{stage.proxy.pod}/?token={stage.pod.token}")
    expect(page).to_have_url(f"{stage.proxy.pod}/")  # the token has left the address bar
    raise_condition(stage, CONDITION)
    try:
        expect(page.locator("#headline")).to_contain_text("1 thing needs attention", timeout=SOON)
        assert violations(page) == []
        unfold(page)
        page.locator("#logs").scroll_into_view_if_needed()
        expect(page.locator("#log-lines")).to_contain_text("Jupyter Server")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.get_by_role("button", name="Restart JupyterLab").click()
        assert violations(page) == []
        page.keyboard.press("Escape")
    finally:
        clear_condition(stage, CONDITION)
    assert watcher.take() == []
    page.context.close()


def test_bundles_are_shown_in_their_order_and_a_complete_one_is_announced(stage: Scene, tab: Page) -> None:
    def bundle(name: str, installed: int, seconds_left: int | None) -> dict[str, Any]:
        sizes = {"size": 5 * 10**9, "bytes": 10**9, "seconds_left": seconds_left}
        return {"name": name, "files": 2, "installed": installed, "failed": 0, **sizes}

    def write(*bundles: dict[str, Any]) -> None:
        record = json.loads(path.read_text()) | {"state": "running", "pid": os.getpid(), "bundles": bundles}
        path.with_suffix(".new").write_text(json.dumps(record))
        path.with_suffix(".new").rename(path)

    path = stage.pod.home / "run/reports/models.json"
    before = path.read_text()
    try:
        write(bundle("FLUX", 1, 90), bundle("WAN", 0, 4000))
        rows = tab.locator("#models-bundles > li")
        expect(rows).to_have_count(2, timeout=SOON)
        expect(rows.first).to_contain_text("FLUX1 of 2 files · 1.0 GB of 5.0 GB · complete in about 1 min 30 s")
        assert violations(tab) == []
        write(bundle("FLUX", 2, None), bundle("WAN", 0, 4000))
        expect(tab.locator("#told")).to_have_text("FLUX is complete: ComfyUI offers its models now.", timeout=SOON)
        expect(rows).to_have_count(1)
    finally:
        path.write_text(before)


def test_axe_would_have_found_a_violation(tab: Page) -> None:
    """Negative control."""
    tab.evaluate("document.body.append(Object.assign(document.createElement('img'), {src: 'icon.svg'}))")
    assert any(found.startswith("image-alt") for found in violations(tab))


def folder_of(stage: Scene) -> pathlib.Path:
    return stage.pod.home / "run" / "conditions"


def raise_condition(stage: Scene, condition: dict[str, Any]) -> None:
    (folder_of(stage) / f"{condition['name']}.json").write_text(json.dumps(condition))


def clear_condition(stage: Scene, condition: dict[str, Any]) -> None:
    (folder_of(stage) / f"{condition['name']}.json").unlink(missing_ok=True)


def test_every_condition_is_shown_everywhere_with_its_remedy(stage: Scene, tab: Page) -> None:
    """Page, JSON, metrics and commands, for each name (condition_tests names the test that produces it)."""
    planted = [
        {"name": name, "reason": f"reason of {name}", "remedy": f"remedy of {name}", "since": 1.0}
        for name in PRODUCED_BY
    ]
    clearing = ("volumes", "meter")  # their looks clear conditions of theirs, every few seconds
    for name in clearing:
        podkeeper(stage.pod, "stop", name)
    for condition in planted:
        raise_condition(stage, condition)
    try:
        told = f"{len([name for name in PRODUCED_BY if severity_of(name) != 'note'])} things need attention"
        expect(tab.locator("#headline")).to_contain_text(told, timeout=SOON)
        places = {
            "page": tab.locator("#problem-list").inner_text(),
            "status.json": tab.evaluate("fetch('status.json').then((answer) => answer.text())"),
            "metrics": tab.evaluate("fetch('metrics').then((answer) => answer.text())"),
            "podkeeper status": podkeeper(stage.pod, "status"),
            "podkeeper status --json": podkeeper(stage.pod, "status", "--json"),
        }
    finally:
        for condition in planted:
            clear_condition(stage, condition)
        for name in clearing:
            podkeeper(stage.pod, "start", name)
    assert len(planted) > 30
    missing = [
        (place, each["name"])
        for place, text in places.items()
        for each in planted
        if not re.search(rf"\b{each['name']}\b", text) or not re.search(rf"{each['remedy']}\b", text)
    ]
    assert missing == []


def podkeeper(pod: Pod, *words: str) -> str:
    """What the command prints."""
    code = "import sys; from entrypoint.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-I", "-c", code, *words],
        env=dict(os.environ) | pod.environ(),
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


def test_a_condition_comes_and_goes_by_itself_with_its_remedy(stage: Scene, tab: Page) -> None:
    raise_condition(stage, CONDITION)
    first = tab.locator("#problem-list li").first
    expect(first).to_contain_text("/workspace/comfyui has 0 bytes free.", timeout=SOON)
    expect(first).to_contain_text("What to do: delete what you do not need.")
    expect(first).to_contain_text("DataReadOnly since")
    clear_condition(stage, CONDITION)
    expect(tab.locator("#problems")).to_be_hidden(timeout=SOON)
    expect(tab.locator("#headline")).to_have_text("Everything runs.")


def test_the_form_logs_in_by_keyboard(stage: Scene) -> None:
    page, watcher = profile(stage.browser, stage.proxy)
    page.goto(stage.proxy.pod)
    page.keyboard.type("guessed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That is not the token.")
    assert {problem.text[:3] for problem in watcher.take()} <= {"401", "Fai"}  # the login page's, and the guess's
    page.keyboard.type(stage.pod.token)
    page.keyboard.press("Enter")
    expect(page.locator("#headline")).to_have_text("Everything runs.", timeout=SOON)
    (cookie,) = page.context.cookies()
    assert cookie["name"].startswith("__Host-podkeeper-")
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Lax")
    assert stage.pod.token not in cookie["value"]
    assert watcher.take() == []
    page.context.close()


def test_no_secret_is_in_the_page_or_what_it_can_reach(stage: Scene, tab: Page) -> None:
    reached = tab.evaluate(
        "async () => { const all = [document.documentElement.outerHTML, location.href, document.cookie];"
        " for (const path of ['status.json', 'metrics', 'logs/jupyter', 'bundles'])"
        " all.push(await (await fetch(path)).text());"
        " for (let i = 0; i < localStorage.length; i++) all.push(localStorage.key(i));"
        " return all }"
    )
    assert len(reached) == 7
    assert [text[:100] for text in reached if stage.pod.token in text] == []


def jupyter_pid(stage: Scene) -> int:
    programs = json.loads((stage.pod.home / "run/programs.json").read_text())["programs"]
    return int(programs["jupyter"]["pid"])


def test_the_restart_button_asks_for_confirmation_and_reports_the_restart(stage: Scene, tab: Page) -> None:
    before = jupyter_pid(stage)
    tab.get_by_role("button", name="Restart JupyterLab").focus()
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_contain_text("Files stay.")
    tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    tab.get_by_role("button", name="Restart JupyterLab").click()
    dialog.get_by_role("button", name="Cancel").click()
    assert jupyter_pid(stage) == before
    tab.get_by_role("button", name="Restart JupyterLab").click()
    dialog.get_by_role("button", name="Restart").click()
    expect(tab.locator("#told")).to_contain_text("JupyterLab is being restarted")
    wait_until(lambda: jupyter_pid(stage) not in (0, before), 30, "another process", 0.2)
    expect(tab.locator("#restart-list li").first).to_contain_text("started by the operator", timeout=SOON)
    expect(tab.locator("#headline")).to_have_text("Everything runs.", timeout=SOON)


def test_a_crash_is_shown_with_its_reason(stage: Scene, tab: Page) -> None:
    psutil.Process(jupyter_pid(stage)).kill()
    expect(tab.locator("#restart-list li").first).to_contain_text("JupyterLab killed by SIGKILL", timeout=SOON)
    expect(tab.locator("#lanes i").first).to_be_visible()
    expect(tab.locator("#headline")).to_have_text("Everything runs.", timeout=SOON)


def test_a_log_is_searched(tab: Page) -> None:
    tab.locator("#logs").scroll_into_view_if_needed()
    expect(tab.locator("#log-lines")).to_contain_text("Jupyter Server")
    tab.get_by_label("Search").fill("extension was")
    expect(tab.locator("#log-lines mark").first).to_have_text("extension was")
    expect(tab.locator("#log-line")).to_contain_text("with “extension was”")
    tab.get_by_label("Search").fill("no such words")
    expect(tab.locator("#log-line")).to_contain_text("0 lines")
    tab.get_by_label("Search").fill("")
    tab.locator("#log-name").select_option(label="Prober")
    expect(tab.locator("#log-lines")).to_contain_text("responds", timeout=30_000)


def test_a_lost_connection_is_reported_until_it_is_restored(stage: Scene, tab: Page) -> None:
    leader = psutil.Process(stage.pod.process.pid)
    (server,) = [each for each in leader.children() if "entrypoint.status" in each.cmdline()]
    server.send_signal(signal.SIGSTOP)
    try:
        expect(tab.locator("#lost")).to_contain_text("Connection to the pod lost", timeout=SOON)
    finally:
        server.send_signal(signal.SIGCONT)
    expect(tab.locator("#lost")).to_be_hidden(timeout=SOON)


ATTACKS = {
    "read the status": "fetch(`${pod}/status.json`, {credentials: 'include'}).then((answer) => answer.text())",
    "stop JupyterLab": "fetch(`${pod}/programs/jupyter/stop`,"
    " {method: 'POST', mode: 'no-cors', credentials: 'include'}).then(() => '')",
    "follow the stream": "new Promise((end) => {"
    " const stream = new EventSource(`${pod}/events`, {withCredentials: true});"
    " stream.onerror = () => end(''); stream.addEventListener('snapshot', (event) => end(event.data)) })",
    "show it in a frame": "new Promise((end) => {"
    " const frame = document.createElement('iframe'); frame.src = `${pod}/`;"
    " frame.onload = () => end(''); document.body.append(frame) })",
}


@pytest.mark.parametrize("neighbour", ["sibling pod", "foreign site"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_page_of_a_neighbour_gets_nothing(stage: Scene, attack: str, neighbour: str) -> None:
    """A sibling pod's page is on the same site, so the browser sends the cookie along."""
    site = stage.proxy.sibling if neighbour == "sibling pod" else FOREIGN
    assert raid(stage, site, attack) == []


def test_with_the_guard_off_a_sibling_pods_page_stops_jupyterlab(playwright: Playwright) -> None:
    """Negative control. The page still can't read, which needs the pod's consent (CORS), nor frame (its CSP)."""
    with (
        open_folder("status-open") as folder,
        running(Pod(folder / "pod")) as pod,
        running_proxy(folder / "proxy", pod.status_port, True, PAGES) as proxy,
    ):
        pod.guard_off()
        browser = launch(playwright, proxy)
        try:
            assert raid(Scene(pod, proxy, browser, folder), proxy.sibling, "stop JupyterLab") == ["ended JupyterLab"]
        finally:
            browser.close()


def raid(stage: Scene, site: str, attack: str) -> list[str]:
    """What an attack from a page of `site` did in a logged-in browser."""
    page, _ = profile(stage.browser, stage.proxy)
    page.goto(f"{stage.proxy.pod}/?token={stage.pod.token}")
    expect(page.locator("#headline")).to_have_text("Everything runs.", timeout=SOON)
    before = jupyter_pid(stage)
    evil = page.context.new_page()
    evil.goto(f"{site}/attack.html")
    got = evil.evaluate(f"(pod) => ({ATTACKS[attack]}).catch(() => '')", stage.proxy.pod)
    framed = [frame.url for frame in evil.frames if frame.locator("#headline").count()]
    page.reload()
    page.locator("#headline").wait_for()
    ended = jupyter_pid(stage) != before
    page.context.close()
    return [
        *(["read"] if got else []),
        *(["showed it in a frame"] if framed else []),
        *(["ended JupyterLab"] if ended else []),
    ]


def test_what_is_fine_is_folded_and_opens_once_it_is_not(stage: Scene) -> None:
    page, watcher = profile(stage.browser, stage.proxy)
    page.goto(f"{stage.proxy.pod}/?token={stage.pod.token}")
    expect(page.locator("#headline")).to_have_text("Everything runs.", timeout=SOON)
    expect(page.locator("#logs-fold")).not_to_have_attribute("open", "")
    page.get_by_role("button", name="Log of JupyterLab").click()
    expect(page.locator("#log-lines")).to_contain_text("Jupyter Server", timeout=SOON)
    page.goto(f"{stage.proxy.pod}/#log-jupyter")
    page.reload()
    expect(page.locator("#log-name")).to_have_value("jupyter", timeout=SOON)
    expect(page.locator("#log-lines")).to_contain_text("Jupyter Server", timeout=SOON)
    assert watcher.take() == []
    page.context.close()


def test_a_note_leaves_the_headline_as_it_is(stage: Scene, tab: Page) -> None:
    note = {"name": "NoGpu", "reason": "it computes on the CPU", "remedy": "start with a GPU", "since": 1.0}
    raise_condition(stage, note)
    try:
        expect(tab.locator("#problem-list li").first).to_contain_text("It computes on the CPU.", timeout=SOON)
        expect(tab.locator("#problems-title")).to_have_text("Good to know")
        expect(tab.locator("#headline")).to_have_text("Everything runs.")
        expect(tab.locator("#verdict")).to_have_attribute("data-tone", "good")
    finally:
        clear_condition(stage, note)


def test_the_checks_run_and_a_bundle_is_downloaded(stage: Scene, tab: Page) -> None:
    tab.get_by_role("button", name="Check everything").click()
    expect(tab.locator("#findings li").first).to_be_visible(timeout=90_000)
    assert tab.locator("#findings li").count() > 10
    with tab.expect_download(timeout=90_000) as started:
        tab.get_by_role("button", name="Download a support bundle").click()
    path = started.value.path()
    with tarfile.open(path) as bundle:
        assert any(name.endswith("jupyter.log") for name in bundle.getnames())


def test_an_address_is_copied(stage: Scene, tab: Page) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.get_by_role("button", name="Copy address of JupyterLab").click()
    expect(tab.locator("#told")).to_contain_text("The address of JupyterLab")


def test_a_download_is_asked_for_with_its_size_and_the_room(stage: Scene, tab: Page) -> None:
    form = tab.locator("#bundle-form")
    expect(form).to_be_visible(timeout=SOON)
    form.get_by_role("button", name="Download this bundle").click()
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_be_visible(timeout=SOON)
    expect(tab.locator("#confirm-text")).to_contain_text(re.compile(r"(missing|not known)\. [\d.]+ [GTM]B are free"))
    assert violations(tab) == []
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
