"""The stage itself: the proxy does what RunPod's does, and the developer tools' watcher sees what it must see."""

import http.client
import os
import ssl

import pytest

from tests.browser.chromium import Watcher
from tests.browser.lab import Lab
from tests.browser.proxy import FOREIGN, REWRITTEN_HOST, host_of
from tests.browser.scene import Scene, new_profile


def test_proxy_refuses_a_body_over_100_mb(on: Scene) -> None:
    """So a 120 MB upload that arrives was sent in pieces."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", on.proxy.port, context=context, timeout=10)
    headers = {"Host": host_of(on.proxy.pod), "Content-Length": str(101 * 1024 * 1024)}
    connection.request("PUT", "/api/contents/big", headers=headers)
    assert connection.getresponse().status == 413
    connection.close()


def test_proxy_keeps_or_rewrites_host(on: Scene, request: pytest.FixtureRequest) -> None:
    """Jupyter names its login cookie after the Host it saw."""
    context = new_profile(on.browser)
    context.new_page().goto(f"{on.proxy.pod}/api/me?token={on.pod.token}")
    names = " ".join(cookie["name"] for cookie in context.cookies(on.proxy.pod))
    rewritten = "Host rewritten" in request.node.name
    seen = (REWRITTEN_HOST if rewritten else host_of(on.proxy.pod)).replace(".", "-").replace(":", "-")
    assert seen in names
    context.close()


def test_watcher_sees_what_goes_wrong(on: Scene) -> None:
    """An error in the console, an uncaught one, a 403, a request and a WebSocket to another host."""
    context = new_profile(on.browser)
    watcher = Watcher(context, on.proxy.pod)
    page = context.new_page()
    page.goto(f"{on.proxy.pod}/login")  # a light page; those under /api may not fetch (their CSP)
    assert watcher.take() == []
    page.evaluate("fetch('/api/contents/no-such-file')")
    page.evaluate("url => fetch(url, {mode: 'no-cors'})", FOREIGN)
    page.evaluate("console.error('mine'); setTimeout(() => { throw Error('uncaught one') }, 0)")
    page.evaluate("url => { new WebSocket(url) }", FOREIGN.replace("https", "wss") + "/socket")
    page.wait_for_timeout(500)
    problems = [f"{problem.kind}: {problem.text}" for problem in watcher.take()]
    for expected in ("4xx or 5xx: 403", "console error: mine", "uncaught one"):
        assert any(expected in problem for problem in problems), (expected, problems)
    others = [problem for problem in problems if problem.startswith("request to another host")]
    assert any(FOREIGN in other for other in others)
    assert any("wss://" in other for other in others)
    context.close()


@pytest.mark.skipif(not os.environ.get("PODKEEPER_LONG"), reason="takes two minutes: PODKEEPER_LONG=1")
def test_an_idle_tab_stays_connected(on: Scene) -> None:
    """The proxy cuts what is silent for 100 s; JupyterLab's WebSockets must not be."""
    context = new_profile(on.browser)
    watcher = Watcher(context, on.proxy.pod)
    closed: list[str] = []
    page = context.new_page()
    page.on("websocket", lambda socket: socket.on("close", lambda _: closed.append(socket.url)))
    Lab(page, on.proxy.pod).open(on.pod.token)
    page.wait_for_timeout(110_000)
    assert closed == []
    assert watcher.take() == []
    context.close()
