"""A pod with ComfyUI behind the gateway, RunPod's proxy in front of that, and attacks on it in Chromium."""

import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.support.browser.chromium import launch
from tests.support.browser.pods import Pod, running
from tests.support.browser.proxied_pod import PAGES
from tests.support.browser.proxies import Proxy, running_proxy
from tests.support.checkout import FAKE_COMFYUI_WITH_FILES as FAKE
from tests.support.door.running_door import Answer, ask
from tests.support.pod import fake_python
from tests.support.ports import free_port
from tests.support.waiting import wait_until

STARTUP = 120.0  # seconds; torch from a cold disk


class ComfyPod(Pod):
    """Our pod with a ComfyUI: the stand-in, or with COMFYUI_DIR and `real` the real one."""

    def __init__(self, home: pathlib.Path, real: bool = False) -> None:
        super().__init__(home)
        self.comfyui_port, self.internal_port = free_port(), free_port()
        if real:
            names = ("COMFYUI_DIR", "COMFYUI_PYTHON")
            self.comfyui_environ = {name: os.environ[name] for name in names if name in os.environ}
        else:
            python = str(fake_python(home.parent))
            self.comfyui_environ = {"COMFYUI_DIR": str(FAKE), "COMFYUI_PYTHON": python}

    def environ(self) -> dict[str, str]:
        ports = {"COMFYUI_PORT": str(self.comfyui_port), "COMFYUI_INTERNAL_PORT": str(self.internal_port)}
        return super().environ() | self.comfyui_environ | ports | {"COMFYUI_ENABLED": "true"}

    def ask(self, path: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
        """Through the gateway, past the proxy."""
        return ask(self.comfyui_port, path, headers, **more)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def wait_for_comfyui(self) -> None:
        """Until it answers through the gateway."""
        what = f"ComfyUI answers; see {self.log.parent}/comfyui.log"
        wait_until(self.comfyui_answers, STARTUP, what, 0.2)

    def comfyui_answers(self) -> bool:
        try:
            return self.ask("/queue", self.bearer).status == 200
        except OSError:
            return False

    def podkeeper(self, command: str) -> None:
        """start or stop ComfyUI, as a user in a terminal does."""
        line = [sys.executable, "-I", "-c", "import sys; from entrypoint.cli import main; main(sys.argv[1:])"]
        kept = {"PATH": os.environ["PATH"], "HOME": str(self.home.parent)}
        subprocess.run(
            [*line, command, "comfyui"],
            env=kept | self.environ(),
            check=True,
            capture_output=True,
            timeout=60,
        )


@dataclasses.dataclass(frozen=True)
class Door:
    """The pieces, all running."""

    pod: ComfyPod
    proxy: Proxy
    browser: Browser


@contextlib.contextmanager
def door(playwright: Playwright, folder: pathlib.Path, keep_host: bool, real: bool = False) -> Iterator[Door]:
    """Set up under `folder`. The real RunPod takes 100 MB in one request; what is tested here is the gateway."""
    with running(ComfyPod(folder / "pod", real)) as pod:
        assert isinstance(pod, ComfyPod)
        with running_proxy(folder / "proxy", pod.comfyui_port, keep_host, PAGES, body_limit="0") as proxy:
            browser = launch(playwright, proxy)
            try:
                yield Door(pod, proxy, browser)
            finally:
                browser.close()


def log_in(context: BrowserContext, on: Door) -> Page:
    """With the address from the log; the page."""
    page = context.new_page()
    page.goto(f"{on.proxy.pod}/?token={on.pod.token}")
    assert page.url == f"{on.proxy.pod}/"
    return page


#: `at`: {pod: its origin, prompt: a workflow as JSON, name: of the file to upload}. attack.js has the tools.
ATTACKS = {
    "fetch POST a prompt": "at => blind(`${at.pod}/prompt`, at.prompt)",
    "fetch with cookies POST a prompt": "at => asked(`${at.pod}/prompt`, 'POST', at.prompt)",
    "XHR POST a prompt": "at => xhr(`${at.pod}/prompt`, 'POST', at.prompt, 'text/plain')",
    "beacon a prompt": "async at => { navigator.sendBeacon(`${at.pod}/prompt`, at.prompt);"
    " return blind(`${at.pod}/nowhere`, '') }",
    "form POST a prompt": "at => new Promise(done => {"
    " document.querySelector('iframe[name=target]').onload = () => done({});"
    " form(`${at.pod}/prompt`, at.prompt, 'text/plain', 'target') })",
    "upload an image": "async at => { const data = new FormData();"
    " data.append('image', new Blob(['loot'], {type: 'image/png'}), at.name);"
    " return settled(fetch(`${at.pod}/upload/image`,"
    " {method: 'POST', mode: 'no-cors', credentials: 'include', body: data})) }",
    "WebSocket": "at => socket(`${at.pod}/ws?clientId=thief`)",
    "read the queue": "at => asked(`${at.pod}/queue`, 'GET')",
    "frame": "at => frame(`${at.pod}/`)",
    "image of an address with effects": "at => element('img', {src: `${at.pod}/manager/reboot`})",
}
#: These leave the page.
DEPARTURES = {
    "link to an address with effects": "at => { location.href = `${at.pod}/manager/reboot` }",
    "link to it, spelled otherwise": "at => { location.href = `${at.pod}/%6danager/reboot?x=1` }",
}


@dataclasses.dataclass(frozen=True)
class Effects:
    """What attacks could change: prompts queued or done, files on the disk."""

    prompts: int
    files: frozenset[str]


class Raid:
    """Attacks from a page of another site in the browser of a logged-in user."""

    def __init__(self, context: BrowserContext, on: Door, workflow: dict[str, Any]) -> None:
        self.on, self.context, self.workflow = on, context, workflow

    def effects(self) -> Effects:
        """As the owner sees them."""
        queue = self.on.pod.ask("/queue", self.on.pod.bearer).json
        history = self.on.pod.ask("/history", self.on.pod.bearer)
        done = len(history.json) if history.status == 200 else 0
        prompts = len(queue["queue_pending"]) + len(queue["queue_running"]) + done
        files = (path for path in (self.on.pod.root / "input").rglob("*") if path.is_file())
        return Effects(prompts, frozenset(path.name for path in files))

    def run(self, site: str) -> dict[str, str]:
        """Every attack that succeeded, and what it did."""
        page = self.context.new_page()
        page.goto(site)
        successes = {}
        for number, (name, script) in enumerate((ATTACKS | DEPARTURES).items()):
            workflow = json.dumps({"prompt": self.workflow, "client_id": f"{site}{number}"})
            at = {"pod": self.on.proxy.pod, "prompt": workflow, "name": f"loot{number}.png"}
            before = self.effects()
            told = page.evaluate(script, at) or {} if name in ATTACKS else self.depart(page, site, script, at)
            framed = any(frame.title() == "ComfyUI" for frame in page.frames if frame.url == f"{self.on.proxy.pod}/")
            done = [
                *(["changed the pod"] if self.effects() != before else []),
                *(["opened a connection"] if told.get("opened") else []),
                *(["read"] if "queue_running" in str(told.get("read")) else []),
                *(["shows the page in a frame"] if framed else []),
            ]
            if done:
                successes[name] = "; ".join(done)
        page.close()
        return successes

    def depart(self, page: Page, site: str, script: str, at: dict[str, str]) -> dict[str, Any]:
        """Let the script navigate away, then come back."""
        with page.expect_navigation():
            page.evaluate(script, at)
        page.goto(site)
        return {}
