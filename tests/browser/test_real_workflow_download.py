"""Real ComfyUI in Chromium: what a workflow lacks comes to the pod with one click, and the workflow runs.

Needs COMFYUI_DIR and COMFYUI_PYTHON of a ComfyUI that runs on the CPU, with its templates and PyAV; skipped where there
is none. The hub and GitHub are stand-ins on this machine. One pod, whose tests build on each other.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Playwright, expect

from tests.support.browser.chromium import launch
from tests.support.browser.pods import open_folder, running
from tests.support.browser.proxied_pod import PAGES, new_profile
from tests.support.browser.proxies import Proxy, running_proxy
from tests.support.browser.workflow_pod import WorkflowPod, git_server
from tests.support.checkout import ARTIFACTS, SUPPORT
from tests.support.models.origin import Origin
from tests.support.waiting import wait_until
from tests.support.workflows.shapes import entry, graph, node

pytestmark = pytest.mark.skipif("COMFYUI_DIR" not in os.environ, reason="no real ComfyUI: COMFYUI_DIR is not set")
#: A template of ComfyUI's with one model: a video is upscaled.
TEMPLATE, MODEL, VIDEO = "utility-gan_upscaler", "RealESRGAN_x4plus.safetensors", "gan_input.mp4"
APP = "(window.app ?? window.comfyAPI.app.app)"
READY = (
    "() => (window.app ?? window.comfyAPI?.app?.app)?.vueAppReady && document.querySelector('.podkeeper-tab-button')"
)
SLOW, SOON = 90_000, 30_000


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin() as started:
        yield started


@pytest.fixture(scope="module")
def on(playwright: Playwright, origin: Origin) -> Iterator[tuple[WorkflowPod, Proxy, Page]]:
    with open_folder("downloads") as folder, git_server(folder / "git") as server:
        pod = WorkflowPod(folder / "pod", origin, server, real=True)
        (pod.root / "input").mkdir(parents=True)
        model, video = folder / MODEL, pod.root / "input" / VIDEO
        make = str(SUPPORT / "browser/tiny_upscaler.py")
        subprocess.run([os.environ["COMFYUI_PYTHON"], make, str(model), str(video)], check=True, timeout=120)
        origin.put(MODEL, model.read_bytes())
        with (
            running(pod),
            running_proxy(folder / "proxy", pod.comfyui_port, True, PAGES, others=(pod.status_port,)) as proxy,
        ):
            pod.wait_for_comfyui()
            browser = launch(playwright, proxy)
            page = new_profile(browser).new_page()
            page.goto(f"{proxy.pod}/?token={pod.token}")
            page.wait_for_function(READY, timeout=SLOW)
            try:
                yield pod, proxy, page
            finally:
                browser.close()


def picture(page: Page, name: str) -> None:
    """Screenshots of a state: two widths, two palettes."""
    for width, height in ((1280, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for palette in ("dark", "light"):
            page.evaluate(f"name => {APP}.extensionManager.setting.set('Comfy.ColorPalette', name)", palette)
            page.wait_for_timeout(300)  # the palette's colours fade in
            page.screenshot(path=ARTIFACTS / f"{name}-{palette}-{width}.png")
    page.set_viewport_size({"width": 1280, "height": 900})


def button(page: Page, kind: str) -> Locator:
    """A button of ours in ComfyUI's own lists."""
    return page.locator(f'[data-podkeeper="{kind}"]')


def choices(page: Page, kind: str) -> Any:
    """The value and the choices of the first widget of a class."""
    return page.evaluate(
        f"kind => {{ const [w] = {APP}.graph.nodes.find(n => n.type === kind).widgets;"
        " return { value: w.value, choices: [...w.options.values] } }",
        kind,
    )


def load(page: Page, content: dict[str, Any]) -> None:
    page.evaluate(f"content => {APP}.loadGraphData(content)", content)


def test_a_template_whose_model_is_missing_gets_it_by_one_click_and_runs(
    on: tuple[WorkflowPod, Proxy, Page], origin: Origin
) -> None:
    pod, proxy, page = on
    page.goto(f"{proxy.pod}/?template={TEMPLATE}")
    page.wait_for_function(READY, timeout=SLOW)
    expect(page.get_by_test_id("error-overlay")).to_contain_text(f"{MODEL} is missing", timeout=SOON)
    expect(button(page, "overlay")).to_contain_text("Download to this pod (", timeout=SOON)
    assert MODEL not in choices(page, "UpscaleModelLoader")["choices"]
    page.evaluate("() => { window.sameDocument = true }")
    button(page, "overlay").click()
    expect(page.locator(".podkeeper")).to_contain_text("This workflow has all it needs.", timeout=SOON)
    installed = pod.root / "models/upscale_models" / MODEL
    assert installed.read_bytes() == origin.files[MODEL]
    assert choices(page, "UpscaleModelLoader") == {"value": MODEL, "choices": [MODEL]}
    assert page.evaluate("() => window.sameDocument")  # no reload
    expect(page.get_by_test_id("error-overlay")).to_be_hidden()
    page.get_by_role("button", name="Run", exact=True).first.click()
    wait_until(lambda: list((pod.root / "output").rglob("*.mp4")), 60, "the workflow has run", 0.2)


def lacking(origin: Origin) -> dict[str, Any]:
    """A workflow that lacks a model at the hub, one that no address is known of, one that is gone, and a node."""
    origin.put("second.safetensors", origin.files[MODEL])
    return graph(
        node(1, "UpscaleModelLoader", "second.safetensors", models=[entry("upscale_models", "second.safetensors")]),
        node(2, "VAELoader", "a_name_that_is_rather_long_fp8_e4m3fn.safetensors"),
        node(3, "LoraLoaderModelOnly", "gone.safetensors", 1, models=[entry("loras", "gone.safetensors")]),
        node(4, "PodProbe", "hello", properties={"aux_id": "acme/PodProbe", "cnr_id": ""}),
    )


def test_each_is_offered_in_comfyuis_list_and_the_panel(on: tuple[WorkflowPod, Proxy, Page], origin: Origin) -> None:
    pod, _, page = on
    load(page, lacking(origin))
    page.get_by_test_id("error-overlay-see-errors").click()
    expect(button(page, "one")).to_have_count(2, timeout=SOON)  # the one without an address has none
    expect(button(page, "nodes")).to_have_text("Install on this pod: acme/PodProbe")
    panel = page.locator(".podkeeper")
    expect(panel).to_contain_text("the workflow has no address of it")
    expect(panel).to_contain_text("NotFound: HTTP 404")
    picture(page, "downloads")
    page.get_by_role("button", name="Download upscale_models/second.safetensors to this pod").click()
    expect(panel).to_contain_text("Everything has arrived.", timeout=SOON)
    wait_until(lambda: "second.safetensors" in choices(page, "UpscaleModelLoader")["choices"], 20, "it can be chosen")
    page.get_by_role("button", name="Download loras/gone.safetensors to this pod").click()
    expect(panel.locator(".bad")).to_contain_text("loras/gone.safetensors: NotFound", timeout=SOON)
    assert not (pod.root / "models/loras/gone.safetensors").exists()


def test_a_missing_node_is_installed_by_a_click_and_runs_after_comfyuis_restart(
    on: tuple[WorkflowPod, Proxy, Page],
) -> None:
    pod, _, page = on
    before = pod.child("main.py").pid
    page.get_by_role("button", name="Install acme/PodProbe on this pod").click()
    reload = page.get_by_role("button", name="Reload this page")
    expect(reload).to_be_visible(timeout=SLOW)
    assert pod.child("main.py").pid != before
    assert (pod.root / "custom_nodes/PodProbe/__init__.py").exists()
    pod.wait_for_comfyui()
    reload.click()
    page.wait_for_function(READY, timeout=SLOW)
    known = f"() => {APP}.graph.nodes.find(n => n.type === 'PodProbe')?.has_errors === false"
    page.wait_for_function(known, timeout=SOON)  # the frontend has kept the workflow
    prompt = {"1": {"class_type": "PodProbe", "inputs": {"text": "hello"}}}
    answer = pod.ask("/prompt", pod.bearer, method="POST", body=json.dumps({"prompt": prompt}).encode())
    assert answer.status == 200
    history = wait_until(
        lambda: pod.ask(f"/history/{answer.json['prompt_id']}", pod.bearer).json, 30, "it has run", 0.2
    )
    (run,) = history.values()
    assert run["outputs"] == {"1": {"text": ["hello"]}}
    assert pathlib.Path(pod.log.parent / "podkeeper-workflows.log").read_text().count("PodProbe is installed") == 1
