"""`podkeeper models update`: shown, never silent; the old version stays until the new one is verified."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from entrypoint.models import session, update
from entrypoint.models.catalogue.wanted import FetchRequest
from entrypoint.models.outcome import DONE, INCOMPLETE, LATER
from entrypoint.models.run import fetch
from entrypoint.models.sources.civitai import Civitai
from entrypoint.models.sources.huggingface import HuggingFace
from entrypoint.models.sources.registry import SOURCES
from tests.support.models.origin import Origin
from tests.support.models.pod import Pod

OLD, NEW = random.Random(1).randbytes(300_001), random.Random(2).randbytes(400_001)
MANIFEST = """schema = 1
[bundles.B]
# mine
[[files]]
bundle = "B"
source = "civitai"
version_id = "10"
dest = "loras/civitai.bin"

[[files]]
bundle = "B"
source = "url"
url = "HUB/plain/plain.bin"
dest = "loras/plain.bin"

[[files]]
bundle = "B"
source = "huggingface"
repo_id = "o/r"
path = "main.bin"
dest = "loras/main.bin"

[[files]]
bundle = "B"
source = "huggingface"
repo_id = "o/r"
path = "pinned.bin"
revision = "COMMIT"
dest = "loras/pinned.bin"

[[files]]
bundle = "B"
source = "huggingface"
repo_id = "o/r"
path = "hashed.bin"
sha256 = "SHA256"
dest = "loras/hashed.bin"
"""


def version(number: int, day: int, base: str = "Flux", **more: Any) -> dict[str, Any]:
    return {"id": number, "name": f"v{number}", "baseModel": base, "publishedAt": f"2026-01-{day:02}T08:00:00Z", **more}


async def civitai(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
    """Its API (developer.civitai.com/site/reference), and a download for each version."""
    if request.path == "/api/v1/models/5":
        others = [version(14, 9, "SDXL"), version(13, 8, availability="EarlyAccess"), version(9, 1), version(11, 5)]
        return web.json_response({"modelVersions": [*others, version(12, 7), version(10, 3), "nonsense"]})
    if request.path.startswith("/api/v1/model-versions/"):
        return web.json_response(version(int(request.path.rpartition("/")[2]), 3, modelId=5))
    if request.path.startswith("/api/download/models/"):
        name = f"civitai-{request.path.rpartition('/')[2]}.bin"
        return web.Response(status=307, headers={"Location": f"{origin.cdn_url}/{name}?sig=1"})
    return None


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pod]:
    """Five files are installed; then all of them change at their sources."""
    with Origin(hub_fault=civitai) as origin:
        pod = Pod(tmp_path, origin)
        sites = {"civitai": Civitai(origin.hub_url), "huggingface": HuggingFace(origin.hub_url)}
        monkeypatch.setattr(session, "configured", lambda _: tuple(sites.get(each.name, each) for each in SOURCES))
        text = MANIFEST.replace("HUB", origin.hub_url).replace("COMMIT", "0" * 40)
        text = text.replace("SHA256", hashlib.sha256(OLD).hexdigest())
        Path(pod.paths.data, "models.toml").write_text(text)
        for name in ("civitai-10", "plain", "main", "pinned", "hashed"):
            origin.put(f"{name}.bin", OLD)
        for name in [name for name in os.environ if name.startswith("DOWNLOAD_")]:
            monkeypatch.delenv(name)
        assert fetch(pod.settings, pod.paths, FetchRequest()).code == DONE
        yield pod


def change(pod: Pod) -> None:
    for name in ("civitai-12", "plain", "main", "pinned", "hashed"):
        pod.origin.put(f"{name}.bin", NEW)
    pod.origin.version = "v2"


def contents(pod: Pod) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in pod.installed("x").parent.iterdir()}


def test_nothing_newer_is_fetched_without_yes_and_pinned_files_are_never_newer(
    pod: Pod, capsys: pytest.CaptureFixture[str]
) -> None:
    pod.origin.hub_fault = None
    assert update.update(pod.settings, pod.paths, ("loras/main.bin", "loras/pinned.bin"), fetch=True) == DONE
    assert "loras/main.bin: newest" in capsys.readouterr().out
    pod.origin.hub_fault = civitai
    change(pod)
    assert update.update(pod.settings, pod.paths, (), fetch=False) == INCOMPLETE
    shown = capsys.readouterr().out
    assert "loras/civitai.bin: newer: version v12 (Flux, 2026-01-07)" in shown
    assert "loras/plain.bin: newer: 0.4 MB, another ETag" in shown
    assert "loras/main.bin: newer: 0.4 MB, sha256 " in shown
    assert "loras/pinned.bin: pinned" in shown
    assert "loras/hashed.bin: pinned" in shown
    assert "3 of 5 files are newer; `podkeeper models update --yes`" in shown
    assert set(contents(pod).values()) == {OLD}


def test_yes_replaces_what_is_newer_and_the_manifest_follows(pod: Pod, capsys: pytest.CaptureFixture[str]) -> None:
    change(pod)
    assert update.update(pod.settings, pod.paths, (), fetch=True) == DONE
    assert contents(pod) == {
        "civitai.bin": NEW,
        "plain.bin": NEW,
        "main.bin": NEW,
        "pinned.bin": OLD,
        "hashed.bin": OLD,
    }
    text = Path(pod.paths.data, "models.toml").read_text()
    assert 'version_id = "12"' in text
    assert 'version_id = "10"' not in text
    assert "# mine" in text
    capsys.readouterr()
    assert fetch(pod.settings, pod.paths, FetchRequest()).code == DONE  # what is installed is what the manifest says
    assert update.update(pod.settings, pod.paths, (), fetch=False) in (DONE, INCOMPLETE)
    assert "loras/main.bin: newest" in capsys.readouterr().out
    assert contents(pod)["civitai.bin"] == NEW


def test_the_old_version_stays_where_the_new_one_fails(pod: Pod) -> None:
    change(pod)

    async def cut(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
        whole = request.headers.get("Range") == "bytes=0-0"
        return None if whole else await origin.serve(request, OLD[: len(NEW)] + NEW[len(OLD) :])

    pod.origin.cdn_fault = cut
    assert update.update(pod.settings, pod.paths, ("loras/main.bin",), fetch=True) in (INCOMPLETE, LATER)
    assert contents(pod)["main.bin"] == OLD
    pod.origin.cdn_fault = None
    assert fetch(pod.settings, pod.paths, FetchRequest()).code == DONE
    assert contents(pod)["main.bin"] == OLD  # no run updates by itself


def test_a_file_that_the_user_put_there_is_kept_beside_the_new_version(pod: Pod) -> None:
    path = pod.installed("main.bin")
    path.unlink()
    path.write_bytes(OLD)
    assert fetch(pod.settings, pod.paths, FetchRequest()).code == DONE  # adopted
    change(pod)
    assert update.update(pod.settings, pod.paths, ("loras/main.bin",), fetch=True) == DONE
    assert (contents(pod)["main.bin"], contents(pod)["main.bin.set-aside"]) == (NEW, OLD)


def test_a_source_that_does_not_respond_is_no_newer_version(pod: Pod, capsys: pytest.CaptureFixture[str]) -> None:
    async def down(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
        return web.Response(status=503)

    pod.origin.hub_fault = down
    assert update.update(pod.settings, pod.paths, ("loras/main.bin",), fetch=True) == LATER
    assert "loras/main.bin: cannot tell: OriginFails" in capsys.readouterr().out
    assert contents(pod)["main.bin"] == OLD
