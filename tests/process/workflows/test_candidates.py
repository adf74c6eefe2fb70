"""What has no address: candidates of the sites' search and of ComfyUI's registry, and the one that is chosen."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from entrypoint.models.sources import registry
from entrypoint.settings.settings import Settings
from entrypoint.workflows import commands, online
from tests.support.models.origin import Origin
from tests.support.models.pod import Pod
from tests.support.models.sites import answers, siblings, sources_at
from tests.support.workflows.shapes import graph, node

NAME = "x.pt"
#: Of a node whose origin the workflow does not say.
ELSEWHERE = {"cnr_id": None}


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as started:
        started.put(NAME, b"PK" + b"x" * 2000)
        yield started


@pytest.fixture
def pod(tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pod]:
    monkeypatch.setattr(registry, "SOURCES", sources_at(origin))
    monkeypatch.setattr(online, "API", origin.hub_url)
    mask = os.umask(0o022)
    made = Pod(tmp_path, origin)
    Path(made.paths.data, "models.toml").unlink()
    code = made.root / "comfyui-code"
    (code / ".venv/bin").mkdir(parents=True)
    (code / ".venv/bin/python").symlink_to(sys.executable)
    (code / "main.py").touch()
    (code / "nodes.py").write_text('NODE_CLASS_MAPPINGS = {\n    "VAELoader": VAELoader,\n}\n')
    made.settings = Settings(home=str(tmp_path), hf_endpoint=origin.hub_url, comfyui_dir=str(code))
    yield made
    os.umask(mask)


def write(pod: Pod, *nodes: dict[str, Any]) -> str:
    path = pod.root / "w.json"
    path.write_text(json.dumps(graph(*nodes)))
    return str(path)


def sites(origin: Origin, **packs: Any) -> None:
    found: dict[str, Any] = {
        "/api/models": [{"id": "o/r", "downloads": 5, "siblings": [{"rfilename": f"vae/{NAME}"}]}],
        "/api/models/o/r/revision/main": siblings(origin, f"vae/{NAME}"),
        "/api/v1/models": {"items": []},
    }
    found |= {f"/comfy-nodes/{kind}/node": pack for kind, pack in packs.items()}
    origin.hub_fault = answers(found)


def planned(pod: Pod, path: str, capsys: pytest.CaptureFixture[str], **taken: str) -> tuple[int, dict[str, Any]]:
    code = commands.plan(pod.settings, pod.paths, path, as_json_text=True, taken=taken)
    return code, json.loads(capsys.readouterr().out)


def test_a_file_is_offered_and_taken_only_when_it_is_chosen(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    sites(origin)
    path = write(pod, node(1, "VAELoader", NAME))
    code, plan = planned(pod, path, capsys)
    (line,) = plan["models"][0]["candidates"]
    address = line.partition(" (")[0]
    assert (code, address) == (2, f"{origin.hub_url}/o/r/resolve/main/vae/{NAME}")
    assert "(o/r at Hugging Face, 0.0 MB, sha256 " in line
    assert commands.fetch(pod.settings, pod.paths, path, nodes=False) == 2
    assert not Path(pod.paths.data, "models").exists()
    capsys.readouterr()
    code, plan = planned(pod, path, capsys, **{NAME: address})
    assert (code, plan["models"][0]["bytes"]) == (1, 2002)
    assert commands.fetch(pod.settings, pod.paths, path, nodes=False, taken={NAME: address}) == 0
    assert Path(pod.paths.data, "models/vae", NAME).read_bytes() == origin.files[NAME]


def test_a_file_of_the_repository_that_the_workflow_names_comes_first(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    """The address is the repository's page, and the file is in a folder of it."""
    sites(origin)
    before = origin.hub_fault
    assert before

    async def also(origin: Origin, request: web.Request, number: int) -> web.StreamResponse | None:
        if request.path == "/api/models/o/own/revision/main":
            return web.json_response(siblings(origin, f"deep/{NAME}", "deep/y.pt"))
        return await before(origin, request, number)

    origin.hub_fault = also
    entry = {"name": NAME, "url": "https://huggingface.co/o/own/tree/main/deep", "directory": "vae"}
    _, plan = planned(pod, write(pod, node(1, "VAELoader", NAME, models=[entry])), capsys)
    first, second = plan["models"][0]["candidates"]
    assert first.startswith(f"{origin.hub_url}/o/own/resolve/main/deep/{NAME} (the folder deep of o/own, 0.0 MB, sha")
    assert second.startswith(f"{origin.hub_url}/o/r/resolve/main/vae/{NAME} ")


def test_an_address_for_a_file_that_the_workflow_does_not_name_is_refused(
    pod: Pod, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(pod, node(1, "VAELoader", NAME))
    assert commands.plan(pod.settings, pod.paths, path, as_json_text=False, taken={"y.pt": "o/r/y.pt"}) == 65
    assert "the workflow names no model y.pt; it names x.pt" in capsys.readouterr().out


def test_two_files_of_one_name_have_candidates_each(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    sites(origin)
    _, plan = planned(pod, write(pod, node(1, "VAELoader", NAME), node(2, "UpscaleModelLoader", NAME)), capsys)
    assert [len(each["candidates"]) for each in plan["models"]] == [1, 1]


@pytest.mark.parametrize("url", ["https://huggingface.co/o/r", "https://huggingface.co/o/r/resolve/main/gone.pt"])
def test_a_file_whose_address_leads_nowhere_is_looked_for(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    sites(origin)
    entry = {"name": NAME, "url": url, "directory": "vae"}
    code, plan = planned(pod, write(pod, node(1, "VAELoader", NAME, models=[entry])), capsys)
    assert (code, plan["models"][0]["state"], len(plan["models"][0]["candidates"])) == (2, "unavailable", 1)


def test_a_class_is_looked_up_in_the_registry(pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    pack = {"id": "a-pack", "latest_version": {"version": "1.2.0"}, "downloads": 9, "repository": "https://h/a"}
    hostile = {"id": "--upload; rm -rf \x1b[2J"}
    sites(origin, Known=pack, Hostile=hostile)
    kinds = ("Known", "Hostile", "Unknown/../x")
    nodes = [node(number, kind, properties=ELSEWHERE) for number, kind in enumerate(kinds)]
    code, plan = planned(pod, write(pod, *nodes), capsys)
    found = {each["classes"][0]: each["candidates"] for each in plan["nodes"]}
    assert code == 2
    assert found["Known"] == [
        "podkeeper nodes install a-pack (ComfyUI's registry, version 1.2.0, 9 downloads, https://h/a)"
    ]
    assert (found["Hostile"], found["Unknown/../x"]) == ([], [])
    assert all(not each["install"] for each in plan["nodes"])


def test_sites_that_do_not_respond_are_a_note(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(origin: Origin, request: web.Request, before: int) -> web.StreamResponse:
        return web.Response(status=503)

    origin.hub_fault = broken
    code, plan = planned(pod, write(pod, node(1, "VAELoader", NAME), node(2, "Unknown", properties=ELSEWHERE)), capsys)
    assert code == 2
    assert any("not every site was asked" in note for note in plan["notes"])
    assert "ComfyUI's registry did not respond" in plan["notes"]
