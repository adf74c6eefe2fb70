"""The image's files against the code and against each other."""

import re
from pathlib import Path

import pytest

from entrypoint.comfyui.source import IMAGE_FOLDER, IMAGE_PYTHON
from entrypoint.services import SERVICES
from entrypoint.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_what_is_built_is_what_the_code_looks_for() -> None:
    assert f"/ {IMAGE_FOLDER}\n" in DOCKERFILE
    environment = IMAGE_PYTHON.removesuffix("/bin/python")
    assert f"COPY --link --from=comfyui-environment {environment} {environment}\n" in DOCKERFILE
    assert f'"{IMAGE_PYTHON}"' in (ROOT / "image/kernel.json").read_text()


def test_the_ports_of_all_services_are_exposed_and_published() -> None:
    ports = {service.public_port(Settings()) for service in SERVICES} - {0}
    exposed = re.search(r"(?m)^EXPOSE (.*)$", DOCKERFILE)
    assert exposed
    assert {int(port) for port in exposed.group(1).split()} == ports
    published = re.findall(r'127\.0\.0\.1:\$\{\w+:-(\d+)\}:(\d+)"', (ROOT / "compose.yaml").read_text())
    assert {(int(outside), int(inside)) for outside, inside in published} == {(port, port) for port in ports}


@pytest.mark.parametrize("name", ["docker-bake.hcl", "compose.yaml", ".github/workflows/image.yml"])
def test_every_file_builds_on_the_dockerfiles_own_cuda_base(name: str) -> None:
    base = re.search(r"(?m)^ARG BASE_IMAGE=(.*)$", DOCKERFILE)
    assert base
    assert set(re.findall(r"nvidia/cuda:[\w.-]+", (ROOT / name).read_text())) == {base.group(1)}


def test_comfyuis_version_is_the_locks_everywhere() -> None:
    """image/comfyui.in decides: its packages fit that ComfyUI and no other."""
    locked = re.search(r"ComfyUI (v[\d.]+) ", (ROOT / "image/comfyui.in").read_text())
    cloned = re.search(r"(?m)^ARG COMFYUI_REF=(.*)$", DOCKERFILE)
    assert locked
    assert cloned
    assert cloned.group(1) == locked.group(1)
    assert Settings().comfyui_ref == locked.group(1)


def test_torch_is_locked_to_cuda_12_8() -> None:
    """The index has several builds' worth of versions; the lock's own CUDA packages tell which this one is."""
    assert re.search(r"(?m)^nvidia-cuda-runtime-cu12==12\.8\.", (ROOT / "image/comfyui.lock").read_text())


def test_no_front_end_is_fetched_before_a_build() -> None:
    assert not re.search(r"(?m)^# *syntax *=", DOCKERFILE)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_get_no_more_than_they_need(path: Path) -> None:
    text = path.read_text()
    used = re.findall(r"uses: *(\S+)", text)
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)] == []
    assert re.search(r"(?m)^permissions: \{\}$", text)
