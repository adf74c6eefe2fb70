"""compose.yaml and scripts/smoke do with the image what they say."""

from __future__ import annotations

import os
import subprocess
import uuid

from tests.support.checkout import ROOT
from tests.support.container.engine import LABEL, TOKEN
from tests.support.ports import free_port


def test_compose_brings_up_a_healthy_pod_and_takes_it_down(image: str) -> None:
    environ = os.environ | {
        "PODKEEPER_IMAGE": image,
        "JUPYTER_PORT": str(free_port()),
        "COMFYUI_PORT": str(free_port()),
        "STATUS_PORT": str(free_port()),
    }
    project = f"{LABEL}-{uuid.uuid4().hex[:8]}"
    command = ["docker", "compose", "-p", project, "-f", "compose.yaml", "-f", "compose.cpu.yaml"]

    def compose(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments], env=environ, cwd=ROOT, capture_output=True, text=True, timeout=120
        )

    try:
        up = compose("up", "--no-build", "--wait", "--wait-timeout", "60")
        assert up.returncode == 0, up.stderr + compose("logs").stdout
        log = compose("logs", "pod").stdout
        assert "JupyterLab is up" in log
        assert "/workspace/comfyui (on the volume)" in log
    finally:
        down = compose("down", "--volumes")
    assert down.returncode == 0


def smoke(image: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "scripts/smoke", image, *options], capture_output=True, text=True, timeout=180)


def test_the_smoke_test_passes_a_good_image_and_fails_a_bad_one(image: str) -> None:
    good = smoke(image, "--env", "COMFYUI_ENABLED=false")
    assert (good.returncode, good.stdout) == (0, "healthy\n"), good.stderr
    bad = smoke(image, "--env", "JUPYTER_PORT=eighty", "--env", "PODKEEPER_STRICT=true")
    assert bad.returncode == 1
    assert "did not become healthy" in bad.stderr


def test_the_smoke_test_asks_comfyui_where_it_is_in_the_image(image_with_comfyui: str) -> None:
    good = smoke(image_with_comfyui, "--env", f"JUPYTER_TOKEN={TOKEN}", "--env", "COMFYUI_PORT=8288")
    assert (good.returncode, good.stdout[:7]) == (0, "healthy"), good.stderr
    bad = smoke(image_with_comfyui, "--env", "COMFYUI_ARGS=--crash")
    assert bad.returncode == 1
    assert "has a ComfyUI that exits: see its lines above" in bad.stderr
