"""Nodes that stay: one that ComfyUI-Manager installs from its dialogue works in the next container, without a network.

PODKEEPER_REAL_IMAGE names an image with real ComfyUI in it; docs/image.md says how to build one.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.support.browser.chromium import ARGUMENTS
from tests.support.checkout import ARTIFACTS
from tests.support.container.engine import TOKEN, Container, docker, running, volume
from tests.support.container.real_comfyui import REAL_IMAGE, STARTUP, object_info
from tests.support.nginx import find_program
from tests.support.package_environment import write_wheel
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(not REAL_IMAGE, reason="no image with real ComfyUI: PODKEEPER_REAL_IMAGE is not set")
NODE = """
import lib, from_install
class Probe:
    RETURN_TYPES, FUNCTION, CATEGORY = (), "run", "probe"
    INPUT_TYPES = classmethod(lambda cls: {"required": {}})
    def run(self): return ()
NODE_CLASS_MAPPINGS = {"PodkeeperProbe": Probe}
"""
INSTALL = """
import subprocess, sys
subprocess.check_call([sys.executable, "-m", "pip", "install", "from_install"])
"""


MANAGE = """async ([verb, url]) => {
  const node = { id: "ComfyUI-Probe", version: "unknown", files: [url], ui_id: "1" };
  const response = await fetch("/v2/manager/queue/batch", { method: "POST", body: JSON.stringify({ [verb]: [node] }) });
  return response.status;
}"""


def commit(work: Path) -> None:
    """Commit all there is, for a server that only serves files."""
    for words in (["add", "."], ["commit", "-q", "-m", "one"], ["update-server-info"]):
        subprocess.run(["git", "-C", work, "-c", "user.name=t", "-c", "user.email=t@example.org", *words], check=True)


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[str]:
    """The address of a folder with a git repository and a package index, which containers can reach."""
    work = tmp_path / "ComfyUI-Probe"
    work.mkdir()
    for name, text in (("__init__.py", NODE), ("requirements.txt", "lib\n"), ("install.py", INSTALL)):
        (work / name).write_text(text)
    served = tmp_path / "served"
    for package in ("lib", "from-install"):
        (served / "simple" / package).mkdir(parents=True)
        write_wheel(served / "simple" / package, package.replace("-", "_"), "1.0")
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    commit(work)
    (served / "ComfyUI-Probe").symlink_to(work / ".git")
    gateway = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}").stdout.strip()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=served)
    with http.server.ThreadingHTTPServer((gateway, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{gateway}:{server.server_port}"
        server.shutdown()


@contextlib.contextmanager
def comfyui_page(pod: Container, *, new: bool) -> Iterator[Page]:
    """ComfyUI's page; a new user sees its templates first."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=find_program("chromium"), headless=True, args=ARGUMENTS)
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.goto(f"http://localhost:{pod.port(8188)}/?token={TOKEN}")
        shown = page.get_by_text("Getting Started") if new else page.get_by_role("button", name="Extensions")
        expect(shown.first).to_be_visible(timeout=60_000)
        page.keyboard.press("Escape")
        yield page
        browser.close()


def manage(pod: Container, page: Page, verb: str, url: str) -> None:
    """Press the node's button in Manager's list, and restart ComfyUI."""
    assert page.evaluate(MANAGE, [verb, url]) == 200
    queue = "fetch('/v2/manager/queue/status').then((each) => each.json())"
    wait_until(lambda: not page.evaluate(queue)["is_processing"], 60, "Manager is done", 0.5)
    before = pid_of_comfyui(pod)
    page.evaluate("fetch('/v2/manager/reboot', { method: 'POST', headers: { 'Content-Type': 'application/json' } })"
                  ".catch(() => null)")  # fmt: skip
    wait_until(lambda: pid_of_comfyui(pod) not in (before, "0"), 60, "ComfyUI is restarted", 0.5)


def pid_of_comfyui(pod: Container) -> str:
    return pod.run("podkeeper status --json | jq '.services[] | select(.name == \"comfyui\") | .pid'").strip()


@pytest.mark.parametrize("options", [(), ("--env", "PUID=1000")], ids=["root", "PUID"])
def test_a_node_from_managers_dialogue_is_there_in_the_next_container(
    origin: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    host = origin.removeprefix("http://").partition(":")[0]
    index = (f"PIP_INDEX_URL={origin}/simple", f"PIP_TRUSTED_HOST={host}", f"UV_DEFAULT_INDEX={origin}/simple")
    environ = [word for each in index for word in ("--env", each)]
    with volume() as name:
        mount = ("--volume", f"{name}:/workspace", *options)
        with running(REAL_IMAGE, *environ, *mount) as pod:
            pod.wait_for_log("ComfyUI is up", STARTUP)
            before = pid_of_comfyui(pod)
            with comfyui_page(pod, new=True) as page:
                page.get_by_role("button", name="Extensions").first.click()
                page.get_by_text("Install via Git URL").click()
                page.screenshot(path=ARTIFACTS / "manager.png")
                page.get_by_role("dialog").get_by_role("textbox").last.fill(f"{origin}/ComfyUI-Probe")
                page.keyboard.press("Enter")
                page.locator("#cm-reboot-button4").click(timeout=120_000)
                page.get_by_role("button", name="Confirm").last.click()
                wait_until(lambda: object_info(pod, "PodkeeperProbe"), STARTUP, "the node is loaded", 1)
            assert pid_of_comfyui(pod) != before
            kept = "podkeeper packages list"
            wait_until(lambda: pod.run(kept).count("kept on the volume") == 2, 30, "its packages are kept", 0.5)
            assert "Problem    Packages" not in pod.log
        with running(REAL_IMAGE, *mount, "--network", "none") as pod:
            wait_until(lambda: object_info(pod, "PodkeeperProbe"), STARTUP, f"the node is loaded; {pod.log}", 1)
            assert "NodesNotLoaded" not in pod.run("podkeeper status", check=False)
        node = tmp_path / "ComfyUI-Probe/__init__.py"
        node.write_text(NODE.replace("PodkeeperProbe", "PodkeeperUpdated"))
        commit(node.parent)
        with running(REAL_IMAGE, *environ, *mount) as pod:
            pod.wait_for_log("ComfyUI is up", STARTUP)
            with comfyui_page(pod, new=False) as page:
                manage(pod, page, "update", f"{origin}/ComfyUI-Probe")
                wait_until(lambda: object_info(pod, "PodkeeperUpdated"), STARTUP, "the update is loaded", 1)
                manage(pod, page, "uninstall", f"{origin}/ComfyUI-Probe")
            wait_until(lambda: object_info(pod, "KSampler"), STARTUP, "ComfyUI serves", 1)
            assert not object_info(pod, "PodkeeperUpdated")
            assert "ComfyUI-Probe" not in pod.run("ls /comfyui/custom_nodes")
