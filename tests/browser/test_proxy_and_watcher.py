"""The browser tests' own tools: the proxy behaves as RunPod's does, and the watcher sees every browser problem."""

import http.client
import http.server
import os
import pathlib
import ssl
import threading

import pytest

from tests.support.browser.chromium import Watcher
from tests.support.browser.jupyterlab import Lab
from tests.support.browser.proxied_pod import PAGES, Scene, new_profile
from tests.support.browser.proxies import FOREIGN, REWRITTEN_HOST, host_of, running_proxy


def test_proxy_refuses_a_body_over_100_mb(on: Scene) -> None:
    """So a 120 MB upload that arrives was sent in pieces."""
    connection = http.client.HTTPSConnection("127.0.0.1", on.proxy.port, context=unverified(), timeout=10)
    headers = {"Host": host_of(on.proxy.pod), "Content-Length": str(101 * 1024 * 1024)}
    connection.request("PUT", "/api/contents/big", headers=headers)
    assert connection.getresponse().status == 413
    connection.close()


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the Host it saw."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.headers["Host"].encode())

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


@pytest.mark.parametrize("keep_host", [True, False], ids=["Host kept", "Host rewritten"])
def test_proxy_keeps_or_rewrites_host(keep_host: bool, tmp_path: pathlib.Path) -> None:
    """What the pod behind it sees, asked of a pod that says so."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as echo:
        threading.Thread(target=echo.serve_forever, daemon=True).start()
        with running_proxy(tmp_path / "proxy", echo.server_port, keep_host, PAGES) as proxy:
            connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, context=unverified(), timeout=10)
            connection.request("GET", "/", headers={"Host": host_of(proxy.pod)})
            seen = connection.getresponse().read().decode()
            connection.close()
            assert seen == (host_of(proxy.pod) if keep_host else REWRITTEN_HOST)
        echo.shutdown()


def unverified() -> ssl.SSLContext:
    """The proxy's certificate is its own."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def test_watcher_sees_what_goes_wrong(on: Scene) -> None:
    """An error in the console, an uncaught one, a 404, a request and a WebSocket to another host."""
    context = new_profile(on.browser)
    watcher = Watcher(context, on.proxy.pod)
    page = context.new_page()
    page.goto(f"{on.proxy.pod}/static/logo/logo.png?token={on.pod.token}")  # a light page, without a CSP
    assert watcher.take() == []
    page.evaluate("fetch('/api/contents/no-such-file')")
    page.evaluate("url => fetch(url, {mode: 'no-cors'})", FOREIGN)
    page.evaluate("console.error('mine'); setTimeout(() => { throw Error('uncaught one') }, 0)")
    page.evaluate("url => { new WebSocket(url) }", FOREIGN.replace("https", "wss") + "/socket")
    page.wait_for_timeout(500)
    problems = [f"{problem.kind}: {problem.text}" for problem in watcher.take()]
    for expected in ("4xx or 5xx: 404", "console error: mine", "uncaught one"):
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
