"""The variant `full` with real ComfyUI: every node of the packs that the image has is loaded, without a network.

PODKEEPER_FULL_IMAGE names the image; docs/image.md says how to build one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from entrypoint.nodes.lock import read_lock
from tests.support.container.engine import Container, docker, running, volume
from tests.support.container.real_comfyui import STARTUP
from tests.support.waiting import wait_until

IMAGE = os.environ.get("PODKEEPER_FULL_IMAGE", "")
pytestmark = pytest.mark.skipif(not IMAGE, reason="no image of the variant full: PODKEEPER_FULL_IMAGE is not set")
SETUP = "from setuptools import setup; setup(name='legacy', version='1.0', py_modules=['legacy'])"
SDIST = f"""
import io, tarfile
with tarfile.open("/tmp/legacy-1.0.tar.gz", "w:gz") as archive:
    for name, text in {{"setup.py": {SETUP!r}, "legacy.py": "", "PKG-INFO": "Name: legacy"}}.items():
        info = tarfile.TarInfo("legacy-1.0/" + name)
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text.encode()))
"""


@pytest.fixture(scope="module")
def pod() -> Iterator[Container]:
    with volume() as name, running(IMAGE, "--network", "none", "--volume", f"{name}:/workspace") as started:
        started.wait_for_log("ComfyUI is up", STARTUP)
        yield started


def loaded(pod: Container) -> set[str]:
    """The entries of custom_nodes whose types of nodes ComfyUI has."""
    found = json.loads(docker("exec", pod.id, "curl", "-sf", "http://127.0.0.1:18188/object_info").stdout)
    modules = {str(each.get("python_module", "")) for each in found.values()}
    return {module.removeprefix("custom_nodes.") for module in modules if module.startswith("custom_nodes.")}


def test_every_node_of_the_image_is_loaded_offline(pod: Container) -> None:
    nodes = set(docker("exec", pod.id, "ls", "/opt/comfyui-nodes").stdout.split())
    assert len(nodes) >= 19
    assert loaded(pod) >= nodes
    assert "IMPORT FAILED" not in docker("exec", pod.id, "cat", "/var/log/comfyui.log").stdout
    wait_until(lambda: names_in_lock(pod) == nodes, 30, "nodes.lock has them", 0.5)


def names_in_lock(pod: Container) -> set[str]:
    text = docker("exec", pod.id, "cat", "/comfyui/nodes.lock", check=False).stdout
    return {node.name for node in read_lock(text).nodes} if text else set()


def test_a_node_of_the_users_takes_the_place_of_the_images(pod: Container) -> None:
    docker("exec", pod.id, "mkdir", "/comfyui/custom_nodes/comfyliterals")
    docker("exec", pod.id, "touch", "/comfyui/custom_nodes/comfyliterals/__init__.py")
    assert docker("exec", pod.id, "podkeeper", "nodes", "remove", "LanPaint").returncode == 0
    docker("exec", pod.id, "podkeeper", "restart", "comfyui")
    wait_until(lambda: is_up(pod), STARTUP, "ComfyUI serves again", 0.5)
    assert not {"ComfyLiterals", "LanPaint"} & loaded(pod)


def is_up(pod: Container) -> bool:
    return docker("exec", pod.id, "curl", "-sf", "http://127.0.0.1:18188/system_stats", check=False).returncode == 0


def test_opencv_can_be_imported(pod: Container) -> None:
    code = "import cv2, numpy; print(cv2.resize(numpy.zeros((8, 8, 3), numpy.uint8), (4, 4)).shape)"
    assert docker("exec", pod.id, "/opt/comfyui-env/bin/python", "-c", code).stdout.strip() == "(4, 4, 3)"


def test_a_source_distribution_is_kept(pod: Container) -> None:
    """Debian's pip writes no record of one where there is no wheel package, and podkeeper would not know of it."""
    docker("exec", pod.id, "python3", "-c", SDIST)
    docker("exec", pod.id, "pip", "install", "--quiet", "/tmp/legacy-1.0.tar.gz")
    listed = wait_until(lambda: docker("exec", pod.id, "podkeeper", "packages", "list").stdout, 30, "the list", 0.5)
    assert "legacy" in listed
