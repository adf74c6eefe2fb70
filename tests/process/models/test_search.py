"""`podkeeper models search`: by a file's name, a hash and words; what does not respond costs its own hits alone."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from entrypoint.models import search as searching
from entrypoint.models.search import Wanted, find, search
from entrypoint.models.sources import registry
from tests.support.models.origin import Origin
from tests.support.models.pod import Pod
from tests.support.models.sites import answers, siblings, sources_at, version

NAME = "wan_fp8_scaled.safetensors"


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as started:
        started.put(NAME, b"x" * 2000)
        yield started


@pytest.fixture
def pod(tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Pod:
    monkeypatch.setattr(registry, "SOURCES", sources_at(origin))
    return Pod(tmp_path, origin)


def sites(origin: Origin, **more: Any) -> None:
    """A hub with two repositories that have the file, and Civitai with one model that has."""
    found_version = version(origin, NAME, "LORA") | {"stats": {"downloadCount": 40}}
    model = {"id": 12, "name": "A model", "type": "LORA", "modelVersions": [found_version]}
    items = [
        {"id": "o/r", "downloads": 5, "siblings": [{"rfilename": f"vae/{NAME.upper()}"}, {"rfilename": "y.pt"}]},
        {"id": "o/more", "downloads": 900, "siblings": [{"rfilename": NAME}]},
        {"id": "o/other", "downloads": 9000, "siblings": [{"rfilename": "x.safetensors"}]},
        {"id": 7}, None,
    ]  # fmt: skip

    def listed(request: web.Request) -> web.StreamResponse:
        return web.json_response(items if request.query.get("search") == "wan" else [])

    digest = hashlib.sha256(origin.files[NAME]).hexdigest()
    found = {
        "/api/models": listed,
        "/api/models/o/r/revision/main": siblings(origin, f"vae/{NAME.upper()}"),
        "/api/models/o/more/revision/main": siblings(origin, NAME),
        "/api/v1/models": {"items": [model, None, {"modelVersions": 1}]},
        f"/api/v1/model-versions/by-hash/{digest}": version(origin, NAME, "LORA"),
    }
    origin.hub_fault = answers(found | more)


def test_by_a_files_name(pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    """The most downloaded first, each with repository, size and hash; few requests; nothing is written."""
    sites(origin)
    assert search(pod.settings, pod.paths, NAME) == 0
    lines = capsys.readouterr().out.splitlines()
    digest = hashlib.sha256(origin.files[NAME]).hexdigest()[:12]
    known = f"(o/more at Hugging Face, 0.0 MB, sha256 {digest}, 900 downloads)"
    assert lines[0] == f"{origin.hub_url}/o/more/resolve/main/{NAME} {known}"
    assert lines[1].startswith("https://civitai.com/models/12?modelVersionId=345 (A model at Civitai, 0.0 MB, sha256 ")
    assert "40 downloads" in lines[1]
    assert lines[2].startswith(f"{origin.hub_url}/o/r/resolve/main/vae/{NAME.upper()} (o/r at Hugging Face")
    assert len(lines) == 4
    assert len(origin.hits) <= 8
    assert not Path(pod.paths.data, "models").exists()


def test_by_a_hash(pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    sites(origin)
    assert search(pod.settings, pod.paths, hashlib.sha256(origin.files[NAME]).hexdigest().upper()) == 0
    assert "https://civitai.com/models/12?modelVersionId=345 (A model at Civitai" in capsys.readouterr().out
    assert search(pod.settings, pod.paths, "0" * 64) == 1
    assert "nothing is found" in capsys.readouterr().out


def test_by_words(pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    sites(origin)
    assert search(pod.settings, pod.paths, " wan ") == 0
    said = capsys.readouterr().out
    assert f"{origin.hub_url}/o/other (1 model file at Hugging Face, 9000 downloads)" in said
    assert "https://civitai.com/models/12?modelVersionId=345 (A model" in said


def test_a_file_with_another_hash_is_no_candidate(pod: Pod, origin: Origin) -> None:
    sites(origin)
    (hits,), why = asyncio.run(find(pod.settings, pod.paths, [Wanted(NAME, "0" * 64)], 10))
    assert [hit.where for hit in hits] == []
    assert why == ""


@pytest.mark.parametrize("given", [500, "html", "slow"])
def test_a_site_that_does_not_respond_costs_its_own_hits(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, given: Any
) -> None:
    sites(origin)
    before = origin.hub_fault
    assert before

    async def faulty(origin: Origin, request: web.Request, number: int) -> web.StreamResponse | None:
        if request.path != "/api/v1/models":
            return await before(origin, request, number)
        if given == "slow":
            await asyncio.sleep(30)
        return web.Response(status=500) if given == 500 else web.Response(text="<html>")

    origin.hub_fault = faulty
    monkeypatch.setattr(searching, "_SECONDS", 1.0)
    began = time.monotonic()
    assert search(pod.settings, pod.paths, NAME) == 0
    assert time.monotonic() - began < 8
    said = capsys.readouterr().out
    assert "o/more at Hugging Face" in said
    assert ("not every site was asked" in said) == (given != "html")


def test_without_a_network(pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    origin.hub_fault = None
    origin.__exit__()
    try:
        assert search(pod.settings, pod.paths, NAME) == 75
        assert "does not respond" in capsys.readouterr().out
    finally:
        origin.__enter__()
