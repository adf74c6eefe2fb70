"""Chromium behind the proxy: started once per proxy, and every problem it reports recorded."""

import contextlib
import dataclasses
import re
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, Response

from tests.support.browser.proxies import Proxy, host_of
from tests.support.checkout import ARTIFACTS
from tests.support.nginx import find_program

ARGUMENTS = [
    "--no-sandbox",  # root in a container has no user namespace to build the sandbox from
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-webgl",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
]


def launch(playwright: Playwright, proxy: Proxy) -> Browser:
    """A headless Debian Chromium that finds `proxy` under RunPod's names."""
    return playwright.chromium.launch(
        executable_path=find_program("chromium"),
        headless=True,
        args=ARGUMENTS + proxy.chromium_arguments,
    )


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something a user would see in the browser's developer tools: a kind, and the text."""

    kind: str
    text: str


class Watcher:
    """Listens to a context's pages; `take` hands over what went wrong since the last time."""

    def __init__(self, context: BrowserContext, own: str) -> None:
        """`own`: the origin that requests may go to."""
        self.own = host_of(own)
        self.problems: list[Problem] = []
        self.history: list[str] = []
        self.requests = 0
        context.on("console", self._console)
        context.on("weberror", lambda error: self._note("console error", f"uncaught: {error.error}"))
        context.on("request", self._request)
        context.on("response", self._response)
        context.on("page", lambda page: page.on("websocket", lambda socket: self._host(socket.url)))

    def take(self) -> list[Problem]:
        """Problems since the last call."""
        taken, self.problems = self.problems, []
        return taken

    def _note(self, kind: str, text: str) -> None:
        self.problems.append(Problem(kind, text))
        self.history.append(f"{kind}: {text}")

    def _console(self, message: ConsoleMessage) -> None:
        text = f"{message.text} ({message.location.get('url', '')})"
        self.history.append(f"console.{message.type}: {text}")
        if message.type == "error":
            self.problems.append(Problem("console error", text))

    def _request(self, request: Request) -> None:
        self.requests += 1
        self._host(request.url)

    def _host(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.own:
            self._note("request to another host", url)

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self._note("4xx or 5xx", f"{response.status} {response.request.method} {response.url}")


def keep_evidence(page: Page, name: str, watcher: Watcher | None = None) -> None:
    """A screenshot and the console of a failed test, under tests/artifacts."""
    ARTIFACTS.mkdir(exist_ok=True)
    stem = re.sub(r"[^\w.-]+", "-", name)
    with contextlib.suppress(Exception):  # evidence must not hide the failure
        page.screenshot(path=ARTIFACTS / f"{stem}.png")
    if watcher is not None:
        (ARTIFACTS / f"{stem}.console.txt").write_text("\n".join(watcher.history) + "\n")
