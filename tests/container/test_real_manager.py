"""Nodes that stay: one that ComfyUI-Manager installs from its dialogue works in the next container, without a network.

PODKEEPER_REAL_IMAGE names an image with real ComfyUI in it; docs/image.md says how to build one.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.support.browser.chromium import ARGUMENTS
from tests.support.checkout import ARTIFACTS
from tests.support.container.engine import TOKEN, Container, docker, running, volume
from tests.support.nginx import find_program
from tests.support.package_environment import write_wheel
from tests.support.waiting import wait_until

REAL_IMAGE = os.environ.get("PODKEEPER_REAL_IMAGE", "")
pytestmark = pytest.mark.skipif(not REAL_IMAGE, reason="no image with real ComfyUI: PODKEEPER_REAL_IMAGE is not set")
#: Seconds for a start of ComfyUI: torch from a cold disk.
STARTUP = 180.0
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
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"], ["update-server-info"]):
        subprocess.run(["git", "-C", work, "-c", "user.name=t", "-c", "user.email=t@example.org", *words], check=True)
    (served / "ComfyUI-Probe").symlink_to(work / ".git")
    gateway = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}").stdout.strip()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=served)
    with http.server.ThreadingHTTPServer((gateway, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{gateway}:{server.server_port}"
        server.shutdown()


@contextlib.contextmanager
def dialogue(pod: Container) -> Iterator[Page]:
    """ComfyUI's page with Manager's dialogue open."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=find_program("chromium"), headless=True, args=ARGUMENTS)
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.goto(f"http://localhost:{pod.port(8188)}/?token={TOKEN}")
        templates = page.get_by_text("Getting Started").first
        expect(templates).to_be_visible(timeout=60_000)  # a new user sees the templates first
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Extensions").first.click()
        yield page
        browser.close()


def object_info(pod: Container, node: str) -> bool:
    ended = docker("exec", pod.id, "curl", "-sf", f"http://127.0.0.1:18188/object_info/{node}", check=False)
    return ended.returncode == 0 and node in json.loads(ended.stdout)


def pid_of_comfyui(pod: Container) -> str:
    return pod.run("podkeeper status --json | jq '.services[] | select(.name == \"comfyui\") | .pid'").strip()


@pytest.mark.parametrize("options", [(), ("--env", "PUID=1000")], ids=["root", "PUID"])
def test_a_node_from_managers_dialogue_is_there_in_the_next_container(origin: str, options: tuple[str, ...]) -> None:
    host = origin.removeprefix("http://").partition(":")[0]
    index = (f"PIP_INDEX_URL={origin}/simple", f"PIP_TRUSTED_HOST={host}", f"UV_DEFAULT_INDEX={origin}/simple")
    environ = [word for each in index for word in ("--env", each)]
    with volume() as name:
        mount = ("--volume", f"{name}:/workspace", *options)
        with running(REAL_IMAGE, *environ, *mount) as pod:
            pod.wait_for_log("ComfyUI is up", STARTUP)
            before = pid_of_comfyui(pod)
            with dialogue(pod) as page:
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
