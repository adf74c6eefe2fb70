"""Civitai's hashes, GitHub's private assets, a manifest at an address, and the user's limits."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from entrypoint.models.download.rate_limit import RateLimit
from entrypoint.models.progress import INSTALLED
from entrypoint.models.sources.base import origin_of
from entrypoint.models.sources.civitai import Civitai
from entrypoint.models.sources.github import GitHubRelease
from entrypoint.models.sources.model_file import File
from entrypoint.models.sources.tokens import Tokens
from entrypoint.settings.hours import Hours
from tests.support.models.fetcher import Scene
from tests.support.models.origin import Origin
from tests.support.models.pod import MIB, Pod, read_until

NAME, SECRET = "m.bin", "s3cret-token"
BYTES = random.Random(1).randbytes(300_001)
SHA256 = hashlib.sha256(BYTES).hexdigest()
CIVITAI = File(bundle="B", source="civitai", dest=f"loras/{NAME}", keys={"version_id": "345"})
ASSET = File(
    bundle="B", source="github_release", dest=f"loras/{NAME}",
    keys={"repo_id": "o/private", "revision": "v1", "path": NAME},
)  # fmt: skip


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Origin() as origin:
        origin.put(NAME, BYTES)
        github = GitHubRelease(f"{origin.cdn_url}/not-public", origin.hub_url)
        yield Scene(tmp_path, origin, sites=(Civitai(origin.hub_url), github))


def civitai(sha256: str | None, *, login: bool = False) -> Any:
    """The site: facts about the version, and a download that redirects to a signed address."""

    async def site(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
        if login and request.headers.get("Authorization") != f"Bearer {SECRET}":
            return web.Response(status=401)
        if request.path == "/api/v1/model-versions/345":
            other = {"name": "other", "primary": False, "hashes": {"SHA256": "0" * 64}}
            mine = {"name": NAME, "primary": True, "hashes": {"SHA256": (sha256 or "").upper()}}
            return web.json_response({"files": [other, mine]}) if sha256 else web.Response(status=404)
        assert request.path == "/api/download/models/345"
        return web.Response(status=307, headers={"Location": f"{origin.cdn_url}/{NAME}?sig=1"})

    return site


def problem(scene: Scene, file: File) -> str:
    (transfer,) = scene.download(file)
    if transfer.state == INSTALLED:
        assert scene.installed(file).read_bytes() == BYTES
        return "right"
    assert not scene.installed(file).exists()
    assert transfer.problem
    return transfer.problem[0]


@pytest.mark.parametrize(
    ("sha256", "expected"), [(SHA256, "right"), ("0" * 64, "HashMismatch"), (None, "right")], ids=str
)
def test_civitais_own_hash_counts(scene: Scene, sha256: str | None, expected: str) -> None:
    """None: the site does not give one, and the file is downloaded all the same."""
    scene.origin.hub_fault = civitai(sha256)
    assert problem(scene, CIVITAI) == expected


def test_civitais_token_stays_at_civitai(scene: Scene) -> None:
    scene.origin.hub_fault = civitai(SHA256, login=True)
    assert problem(scene, CIVITAI) == "LoginNeeded"
    scene.tokens = Tokens({origin_of(scene.origin.hub_url): SECRET})
    assert problem(scene, CIVITAI) == "right"
    assert {hit.authorization for hit in scene.origin.requests("cdn")} == {""}
    assert SECRET not in "".join(scene.logged)


@pytest.mark.parametrize("digest", [f"sha256:{SHA256}", None, "sha256:" + "0" * 64], ids=str)
def test_a_private_asset_of_github_is_requested_at_its_api(scene: Scene, digest: str | None) -> None:
    async def api(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
        if request.headers.get("Authorization") != f"Bearer {SECRET}":
            return web.Response(status=404)  # GitHub does not say that it exists
        if request.path == "/repos/o/private/releases/tags/v1":
            asset = {
                "name": NAME,
                "url": f"{origin.hub_url}/repos/o/private/releases/assets/7",
                "digest": digest,
            }
            return web.json_response({"assets": [{"name": "other"}, asset]})
        assert request.path == "/repos/o/private/releases/assets/7"
        assert "application/octet-stream" in request.headers["Accept"]
        return web.Response(status=302, headers={"Location": f"{origin.cdn_url}/{NAME}?sig=1"})

    scene.origin.hub_fault = api
    assert problem(scene, ASSET) in ("NotFound", "OriginFails", "Forbidden")
    scene.tokens = Tokens({origin_of(scene.origin.hub_url): SECRET})
    assert problem(scene, ASSET) == ("HashMismatch" if digest and "000" in digest else "right")
    assert {hit.authorization for hit in scene.origin.requests("cdn")} == {""}


@pytest.mark.parametrize(
    "facts", [[], {"assets": 1}, {"assets": [1]}, {"assets": [{"name": NAME, "url": "http://evil/x"}]}]
)
def test_nonsense_from_an_api_is_ignored(scene: Scene, facts: Any) -> None:
    async def api(origin: Origin, request: web.Request, before: int) -> web.StreamResponse:
        return web.json_response(facts)

    scene.origin.hub_fault = api
    scene.tokens = Tokens({origin_of(scene.origin.hub_url): SECRET})
    assert problem(scene, ASSET) == "Forbidden"  # what github.com itself says here
    assert all(hit.authorization == "" for hit in scene.origin.requests("cdn"))


def test_a_manifest_at_an_address(tmp_path: Path) -> None:
    """It counts in place of the catalogue; gone, it is a named failure; broken, an error with its line."""
    with Origin() as origin:
        origin.put("a.bin", b"a" * MIB)
        pod = Pod(tmp_path, origin)
        url = f"{origin.hub_url}/plain/models.toml?token=s3cret"
        origin.put(
            "models.toml",
            b'schema = 1\n[bundles.B]\n[[files]]\nbundle = "B"\nsource = "huggingface"\nrepo_id = "o/r"\n'
            b'path = "a.bin"\ndest = "loras/a.bin"\n',
        )
        code, text = pod.run("fetch", MODELS_MANIFEST=url)
        assert code == 0, text
        assert pod.installed("a.bin").exists()
        origin.put("models.toml", b"schema = 1\n[bundles.B]\nnonsense = 1\n")
        code, text = pod.run("fetch", MODELS_MANIFEST=url)
        assert (code, "models.toml, line 3: bundles.B.nonsense is not a key here" in text) == (2, True)
        assert hop_by_hop(origin, pod, url) == 2
        del origin.files["models.toml"]
        code, text = pod.run("fetch", MODELS_MANIFEST=url)
        assert (code, "ManifestUnreachable" in text, "HTTP 404" in text) == (1, True, True)
        assert "s3cret" not in text


def hop_by_hop(origin: Origin, pod: Pod, url: str) -> int:
    """The exit code where the address leads on to where the manifest is."""

    async def moved(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
        if "moved" in request.query:
            return None
        return web.Response(status=302, headers={"Location": f"{request.path}?moved=1"})

    origin.hub_fault = moved
    code, text = pod.run("fetch", MODELS_MANIFEST=url)
    origin.hub_fault = None
    assert "models.toml, line 3" in text
    return code


def test_the_rate_limit_holds_over_all_files(tmp_path: Path) -> None:
    with Origin() as origin:
        for name in ("a.bin", "b.bin"):
            origin.put(name, random.Random(name).randbytes(3_000_000))
        pod = Pod(tmp_path, origin, "a.bin", "b.bin")
        began = time.monotonic()
        assert pod.run("fetch", MODELS_RATE_LIMIT="2")[0] == 0
        assert time.monotonic() - began >= 2.5  # 6 MB at 2 MB/s, less what the first moment may have
        assert pod.installed("a.bin").read_bytes() == origin.files["a.bin"]


def test_outside_the_hours_nothing_is_fetched_and_inside_it_is() -> None:
    async def allowed(hours: Hours) -> bool:
        try:
            await asyncio.wait_for(RateLimit(0, hours).wait_for_hours(), 0.2)
        except TimeoutError:
            return False
        return True

    now = time.localtime()
    second = now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec
    inside = Hours((second - 1800) % 86400, (second + 1800) % 86400)
    outside = Hours((second + 1800) % 86400, (second - 1800) % 86400)
    assert asyncio.run(allowed(inside))
    assert not asyncio.run(allowed(outside))


def test_a_plan_without_a_network_ends_within_its_time_and_says_so(tmp_path: Path) -> None:
    """The whole catalogue, and a hub that swallows every request: 20 s, sizes from the manifest."""
    import socket

    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent, Origin() as origin:
        pod = Pod(tmp_path, origin)
        Path(pod.paths.data, "models.toml").unlink()
        began = time.monotonic()
        code, text = pod.run("plan", HF_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}", DOWNLOAD_ALL="false",
                             DOWNLOAD_LORAS="true", DOWNLOAD_WAN_CORE="true")  # fmt: skip
        assert time.monotonic() - began < 60
        assert code in (3, 75), text
        assert re.search(r"the sources of \d+ of \d+ files did not respond", text)
        assert "their sizes are the manifest's" in text


def test_waiting_for_the_hours_is_logged(tmp_path: Path) -> None:
    with Origin() as origin:
        origin.put("a.bin", b"a" * 1000)
        pod = Pod(tmp_path, origin, "a.bin")
        hour = time.localtime().tm_hour
        process = pod.start("fetch", MODELS_HOURS=f"{(hour + 2) % 24}-{(hour + 3) % 24}")
        read_until(process, "waits for its hours")
        process.terminate()
        assert process.wait(10) == 75
        assert not pod.installed("a.bin").exists()
