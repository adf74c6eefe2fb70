"""The extension of ComfyUI's page without ComfyUI: its real modules, with a stand-in for the page and for the pod.

Real ComfyUI is in test_real_workflow_download.py; this is for what it cannot be made to do in seconds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Route

from tests.support.checkout import ROOT

WEB = ROOT / "entrypoint/comfyui/handover/web"
#: How often the page asks for the state: 100 ms in its place.
EVERY = "BUSY_MS = 1000"
ORIGIN = "http://localhost:1"
APP = """
window.toasts = []; window.refreshed = 0;
export const app = {
  graph: { serialize: () => ({ nodes: [] }) },
  registerExtension(extension) { this.extension = extension; },
  extensionManager: {
    registerSidebarTab(tab) { window.tab = tab; },
    toast: { add(toast) { window.toasts.push(toast); } },
    sidebarTab: { activeSidebarTabId: null },
    workflow: { activeWorkflow: { filename: "my flow" } },
  },
  refreshComboInNodes() { window.refreshed++; },
};
window.app = app;
"""
API = "export const api = { fileURL: (route) => route };"
#: The parts of ComfyUI_frontend 1.47's lists that the buttons are put into.
LISTS = """
<div data-testid="error-overlay"><p>x is missing</p>
  <div><button class="theirs" data-testid="error-overlay-see-errors">View details</button></div></div>
<div><div data-testid="missing-model-importable-rows">
  <div><div><button title="a.safetensors">a</button><button data-testid="missing-model-locate"></button></div></div>
  <div><div><span title="unknown.pt">unknown.pt</span></div></div>
</div></div>
<div data-testid="missing-node-card"></div>
"""
PAGE = """<!doctype html><meta charset="utf-8"><title>page</title><div id="panel"></div><div id="lists"></div>
<script type="module">
import { app } from "/scripts/app.js";
import "/extensions/podkeeper/podkeeper.js";
await app.extension.setup();
window.isReady = true;
</script>"""


def model(name: str, **more: Any) -> dict[str, Any]:
    """A model of a plan."""
    plain = {"directory": "vae", "state": "missing", "bytes": 2 * 10**9, "url": f"https://h/{name}", "note": ""}
    return {"name": name, "candidates": [], **plain, **more}


def pack(name: str, **more: Any) -> dict[str, Any]:
    """A node pack of a plan."""
    return {"install": name, "cnr_id": None, "aux_id": name, "classes": ["A"], "state": "missing", "note": "",
            "candidates": [], **more}  # fmt: skip


@dataclass
class StandIn:
    """Responds as the pod does; `asked`: the bodies of each operation. `status`: of an operation's next responses."""

    plan: dict[str, Any]
    here: bool = True
    state: dict[str, Any] = field(default_factory=dict)
    status: dict[str, list[int]] = field(default_factory=dict)
    asked: dict[str, list[Any]] = field(default_factory=lambda: {"plan": [], "fetch": [], "state": []})

    def handle(self, route: Route) -> None:
        """Serve one request of the page."""
        path = urlsplit(route.request.url).path
        if path == "/":
            route.fulfill(body=PAGE, content_type="text/html")
        elif path == "/scripts/app.js":
            route.fulfill(body=APP, content_type="text/javascript")
        elif path == "/scripts/api.js":
            route.fulfill(body=API, content_type="text/javascript")
        elif path == "/extensions/podkeeper/pod.js":
            text = (WEB / "pod.js").read_text()
            assert EVERY in text
            route.fulfill(body=text.replace(EVERY, "BUSY_MS = 100"), content_type="text/javascript")
        elif path.startswith("/extensions/podkeeper/"):
            route.fulfill(path=WEB / path.rpartition("/")[2])
        elif path.startswith("/podkeeper/workflow/") and self.here:
            self._respond(route, path.rpartition("/")[2])
        else:
            route.fulfill(status=404, body="404: Not Found")

    def _respond(self, route: Route, operation: str) -> None:
        self.asked[operation].append(route.request.post_data_json if operation != "state" else None)
        if statuses := self.status.get(operation):
            route.fulfill(status=statuses.pop(0), json={"problem": f"{operation} is refused"})
            return
        state = {"podkeeper": 1, "job": None, "done": [], "waiting": [], "restart": "", "restarted": 0} | self.state
        made = {"plan": self.plan | {"id": "1" * 64}, "fetch": {"id": "job-1"}, "state": state}
        route.fulfill(status=202 if operation == "fetch" else 200, json=made[operation])

    def runs(self, **job: Any) -> None:
        """The job runs."""
        self.state = {"job": {"id": "job-1", "kind": "click", "title": "my flow", "models": [], "nodes": [], **job}}

    def ends(self, problems: list[str], models: list[Any], nodes: list[Any] | None = None) -> None:
        """The job has ended."""
        outcome = {"id": "job-1", "at": 5, "problems": problems, "models": models, "nodes": nodes or []}
        self.state = {"done": [outcome]}


def plan_of(*models: dict[str, Any], nodes: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A plan, as the pod sends it."""
    return {
        "models": list(models), "nodes": nodes or [], "notes": [], "fits": True, "bytes_free": 10**11, "seconds": 40,
        "bytes_to_fetch": sum(each["bytes"] for each in models if each["state"] == "missing"),
    }  # fmt: skip


def open_page(browser: Browser, pod: StandIn, lists: str = LISTS) -> Page:
    """The page, with ComfyUI's lists in it once the extension is there."""
    page = browser.new_page()
    page.route("**/*", pod.handle)
    page.goto(f"{ORIGIN}/")
    page.wait_for_function("() => window.isReady")
    page.evaluate(f"() => {{ document.querySelector('#lists').innerHTML = {json.dumps(lists)} }}")
    return page
