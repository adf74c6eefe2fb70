"""Real ComfyUI behind the gateway, through RunPod's proxy, in Chromium.

Needs COMFYUI_DIR and COMFYUI_PYTHON of a ComfyUI that runs on the CPU; skipped where there is none. One pod, whose
tests build on each other: ComfyUI's start takes longer than all of them.
"""

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from tests.support.browser.comfyui_door import STARTUP, Door, Raid, door, log_in
from tests.support.browser.pods import open_folder
from tests.support.browser.proxied_pod import new_profile
from tests.support.browser.proxies import FOREIGN
from tests.support.checkout import ARTIFACTS
from tests.support.door.running_door import HTML, ask, sent_by_nginx, websocket
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif("COMFYUI_DIR" not in os.environ, reason="no real ComfyUI: COMFYUI_DIR is not set")
MIB = 1 << 20
SIZE = 300
WORKFLOW = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 255}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "made"}},
}
#: A custom node that writes ComfyUI's own route table down, once all routes are in it.
ROUTES = """
import json, os
from server import PromptServer

async def write(app):
    routes = [[route.method, route.resource.canonical] for route in app.router.routes() if route.resource]
    with open(ARTIFACTS / "routes.json", "w") as file:
        json.dump(routes, file)

PromptServer.instance.app.on_startup.append(write)
NODE_CLASS_MAPPINGS = {}
"""
RUN = """async (workflow) => {
  const told = [], id = "browser-test";
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws?clientId=${id}`);
  await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
  const done = new Promise((resolve) => {
    socket.onmessage = (event) => {
      if (typeof event.data !== "string") return;
      const { type } = JSON.parse(event.data);
      told.push(type);
      if (type === "execution_success" || type === "execution_error") resolve();
    };
  });
  const answer = await fetch("/prompt", { method: "POST", body: JSON.stringify({ prompt: workflow, client_id: id }) });
  const { prompt_id } = await answer.json();
  await done;
  socket.close();
  return { told, prompt_id };
}"""
UPLOAD = """async (mib) => {
  const data = new FormData();
  const content = new Blob(Array(mib).fill(new Uint8Array(1 << 20)), { type: "application/octet-stream" });
  data.append("image", content, "big.bin");
  const answer = await fetch("/upload/image", { method: "POST", body: data });
  return answer.status;
}"""
DOWNLOAD = """async () => {
  const answer = await fetch("/view?filename=big.bin&type=input", { cache: "no-store" });
  const reader = answer.body.getReader();
  let bytes = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) bytes += part.value.length;
  return { status: answer.status, bytes };
}"""


@pytest.fixture(scope="module")
def on(playwright: Playwright) -> Iterator[Door]:
    with open_folder("real-gateway") as folder:
        node = folder / "pod/comfyui/custom_nodes/routes"
        node.mkdir(parents=True)
        (node / "__init__.py").write_text(ROUTES)
        with door(playwright, folder, keep_host=False, real=True) as made:
            yield made


@pytest.fixture(scope="module")
def context(on: Door) -> Iterator[BrowserContext]:
    made = new_profile(on.browser)
    yield made
    made.close()


def comes_up(page: Page) -> None:
    """ComfyUI's own interface, whatever was there before."""
    page.locator("canvas#graph-canvas").wait_for(timeout=STARTUP * 1000)


def test_a_click_in_the_console_shows_the_starting_page_which_becomes_comfyui(on: Door, context: Any) -> None:
    page = context.new_page()
    page.goto(FOREIGN)
    address = f"{on.proxy.pod}/?token={on.pod.token}"
    page.evaluate("url => { document.body.innerHTML = `<a href=${url}>open</a>` }", address)
    page.get_by_text("open").click()
    expect(page.get_by_role("heading")).to_have_text("ComfyUI is starting")
    comes_up(page)
    assert page.url == f"{on.proxy.pod}/"
    page.close()


def test_a_click_in_the_console_opens_a_running_comfyui(on: Door, context: Any) -> None:
    """Sec-Fetch-Site: cross-site, which ComfyUI itself answers with 403."""
    click = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert ask(on.pod.internal_port, "/", click).status == 403
    page = context.new_page()
    page.goto(FOREIGN)
    page.evaluate("url => { document.body.innerHTML = `<a href=${url}>open</a>` }", on.proxy.pod + "/")
    page.get_by_text("open").click()
    comes_up(page)
    page.close()


def test_a_workflow_runs_and_its_progress_is_seen(on: Door, context: Any) -> None:
    page = log_in(context, on)
    result = page.evaluate(RUN, WORKFLOW)
    assert {"execution_start", "executing", "progress_state", "executed", "execution_success"} <= set(result["told"])
    made = next((on.pod.root / "output").glob("made*.png"))
    assert made.read_bytes().startswith(b"\x89PNG")
    answer = page.goto(f"{on.proxy.pod}/view?filename={made.name}&type=output")
    assert answer is not None
    assert answer.body() == made.read_bytes()
    page.close()


def test_300_mb_go_up_and_come_down(on: Door, context: Any) -> None:
    page = log_in(context, on)
    assert page.evaluate(UPLOAD, SIZE) == 200
    assert (on.pod.root / "input/big.bin").stat().st_size == SIZE * MIB
    assert page.evaluate(DOWNLOAD) == {"status": 200, "bytes": SIZE * MIB}
    (on.pod.root / "input/big.bin").unlink()
    page.close()


def test_a_large_file_is_sent_by_nginx(on: Door) -> None:
    """Where nginx may pass, as on /comfyui; the others of this file show that ComfyUI sends what nginx can't read."""
    path = on.pod.root / "output/large.mp4"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(2 * MIB))
    for parent in path.parents:
        parent.chmod(parent.stat().st_mode | 0o111)
    answer = on.pod.ask("/view?filename=large.mp4", on.pod.bearer)
    assert (answer.status, answer.body == bytes(2 * MIB), sent_by_nginx(answer, path)) == (200, True, True)


def test_without_a_login_no_route_of_comfyuis_own_table_answers(on: Door) -> None:
    routes = json.loads((on.pod.root / "custom_nodes/routes/routes.json").read_text())
    assert len(routes) > 100
    assert ["POST", "/prompt"] in routes
    for method, path in routes:
        path = path.replace("{", "").replace("}", "")
        for headers in ({}, HTML):
            answer = on.pod.ask(path, headers, method="GET" if method == "*" else method)
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), (method, path)
            assert method == "HEAD" or b"behind a login" in answer.body or b"log in" in answer.body
        assert websocket(on.pod.comfyui_port, path=path) == 401
    assert websocket(on.pod.comfyui_port, on.pod.bearer, "/ws") == 101


@pytest.mark.parametrize("neighbour", ["sibling pod", "foreign site"])
def test_no_attack_succeeds(on: Door, context: Any, neighbour: str) -> None:
    log_in(context, on).close()
    site = on.proxy.sibling if neighbour == "sibling pod" else FOREIGN
    assert Raid(context, on, WORKFLOW).run(site) == {}


def test_killed_comfyui_shows_the_starting_page_and_recovers(on: Door, context: Any) -> None:
    page = log_in(context, on)
    comes_up(page)
    on.pod.child("main.py").send_signal(signal.SIGKILL)
    wait_until(lambda: on.pod.ask("/queue", on.pod.bearer).status == 503, 5, "programs get 503")
    page.goto(f"{on.proxy.pod}/")
    expect(page.get_by_role("heading")).to_have_text("ComfyUI is starting")
    page.screenshot(path=ARTIFACTS / "starting.png")
    comes_up(page)
    page.close()


def test_with_the_guard_off_the_same_attacks_succeed(on: Door, context: Any) -> None:
    """The negative control, and so the last one."""
    on.pod.guard_off()
    log_in(context, on).close()
    successes = Raid(context, on, WORKFLOW).run(on.proxy.sibling)
    print(*successes.items(), sep="\n")
    assert successes.keys() >= {
        "fetch POST a prompt",
        "beacon a prompt",
        "upload an image",
        "WebSocket",
        "frame",
    }
