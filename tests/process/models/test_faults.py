"""Every fault ends in the right file or in a named failure: never a wrong file, never a hang, never a leak."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import random
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import HttpVersion10, web
from multidict import CIMultiDict

from entrypoint.models.errors import ConnectionBroken
from entrypoint.models.progress import INSTALLED
from entrypoint.models.sources.base import origin_of
from entrypoint.models.sources.model_file import File
from entrypoint.models.sources.tokens import Tokens
from entrypoint.models.transport.client import HttpClient
from tests.support.models.faults import (
    ALWAYS,
    BYTES,
    CDN,
    HUB,
    NAME,
    OTHER,
    disguised_page,
    origin_with_a_file,
    served,
    some,
    status,
)  # fmt: skip
from tests.support.models.fetcher import FAST, Scene, hub_file, plain_file
from tests.support.models.origin import Fault, Origin

origin = pytest.fixture(origin_with_a_file)


@pytest.fixture
def scene(tmp_path: Path, origin: Origin) -> Scene:
    return Scene(tmp_path, origin)


def outcome(scene: Scene, file: File) -> str:
    """`right`, or the failure's name; whatever it is, no wrong file and nothing of it in ComfyUI's folders."""
    (transfer,) = scene.download(file)
    place = scene.installed(file)
    if transfer.state == INSTALLED:
        assert place.read_bytes() == scene.origin.files[file.dest.rpartition("/")[2]]
        assert scene.staged() == []
        return "right"
    assert not place.exists()
    models = Path(scene.store.data, "models")
    assert not models.exists() or not [path for path in models.rglob("*") if path.is_file()]
    assert transfer.problem
    assert all(transfer.problem)
    assert transfer.problem[0] != "Unexpected", transfer.problem
    return transfer.problem[0]


@pytest.mark.parametrize(("fault", "expected"), [row[1:] for row in CDN], ids=[row[0] for row in CDN])
def test_faults_of_the_cdn(scene: Scene, fault: Fault | None, expected: str) -> None:
    scene.origin.cdn_fault = fault
    assert outcome(scene, hub_file()) == expected


@pytest.mark.parametrize(("fault", "expected"), [row[1:] for row in HUB], ids=[row[0] for row in HUB])
def test_faults_of_the_hub(scene: Scene, fault: Fault | None, expected: str) -> None:
    scene.origin.hub_fault = fault
    assert outcome(scene, hub_file()) == expected


def sent_as(**headers: str) -> Any:
    async def response(origin: Origin, request: web.Request) -> web.StreamResponse:
        twist = CIMultiDict((key.replace("_", "-"), text) for key, text in headers.items())
        return web.Response(body=gzip.compress(BYTES), headers=twist)

    return response


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "br", "identity, gzip"])
@pytest.mark.parametrize("linked", [True, False])
def test_encoded_bytes_are_never_kept_as_the_model(scene: Scene, encoding: str, linked: bool) -> None:
    scene.origin.hub_fault = some(ALWAYS, sent_as(Content_Encoding=encoding))
    scene.origin.linked = linked
    assert outcome(scene, plain_file(scene.origin)) == "EncodedResponse"
    scene.origin.hub_fault = some(ALWAYS, sent_as(Content_Encoding=encoding), 1)  # after the first, plain response
    assert outcome(scene, plain_file(scene.origin)) in ("EncodedResponse", "OriginFails")


def test_an_encoding_in_a_second_header_line_counts(scene: Scene) -> None:
    async def response(origin: Origin, request: web.Request) -> web.StreamResponse:
        headers = CIMultiDict((("Content-Encoding", "identity"), ("Content-Encoding", "gzip")))
        return web.Response(body=gzip.compress(BYTES), headers=headers)

    scene.origin.hub_fault = some(ALWAYS, response)
    assert outcome(scene, plain_file(scene.origin)) == "EncodedResponse"


#: The CDN's own port under names that no manifest has, and addresses where nothing must be tried.
PRIVATE = (
    "localhost:{port}", "0.0.0.0:{port}", "0x7f000001:{port}", "2130706433:{port}", "0177.0.0.1:{port}", "127.1:{port}",
    "127.0.0.2:{port}", "[::1]:{port}", "[::ffff:127.0.0.1]:{port}", "[::ffff:7f00:1]:{port}", "169.254.169.254",
    "[::ffff:169.254.169.254]", "2852039166", "[fe80::1]", "[fd00::1]", "10.0.0.1", "172.16.0.1", "192.168.0.1",
    "100.64.0.1", "[64:ff9b::a9fe:a9fe]", "[::]:{port}",
)  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_a_redirect_to_a_private_network_is_refused(scene: Scene, host: str) -> None:
    async def away(origin: Origin, request: web.Request) -> web.StreamResponse:
        port = origin.cdn_url.rpartition(":")[2]
        return web.Response(status=302, headers={"Location": f"http://{host.format(port=port)}/{NAME}?sig=1"})

    scene.origin.hub_fault = some(ALWAYS, away)
    assert outcome(scene, plain_file(scene.origin)) == "PrivateAddress"
    assert scene.origin.requests("cdn") == []


def test_a_host_that_the_manifest_names_may_be_private(scene: Scene) -> None:
    port = scene.origin.hub_url.rpartition(":")[2]
    keys = {"url": f"http://localhost:{port}/plain/{NAME}"}
    assert outcome(scene, File(bundle="B", source="url", dest=f"loras/{NAME}", keys=keys)) == "right"


async def no_head(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
    return web.Response(status=405) if request.method == "HEAD" else None


def test_no_head_request_is_sent(scene: Scene) -> None:
    scene.origin.hub_fault = scene.origin.cdn_fault = no_head
    assert outcome(scene, hub_file()) == "right"


@pytest.mark.parametrize("linked", [True, False], ids=["hash known", "no hash"])
def test_a_file_that_changes_while_it_is_fetched_arrives_in_one_version(scene: Scene, linked: bool) -> None:
    async def replaced(origin: Origin, request: web.Request) -> None:
        origin.put(NAME, OTHER)
        origin.version = "v2"

    scene.origin.linked = linked
    scene.origin.cdn_fault = some(1, replaced, 4)
    assert outcome(scene, hub_file()) == "right"
    assert scene.installed(hub_file()).read_bytes() == OTHER


def test_an_etag_that_never_stays_the_same_ends_in_one_stream(scene: Scene) -> None:
    async def replaced(origin: Origin, request: web.Request, before: int) -> None:
        if before % 3 == 2:
            origin.version = f"v{before}"

    scene.origin.linked = False
    scene.origin.cdn_fault = replaced
    assert outcome(scene, hub_file()) == "right"


def test_without_length_and_hash_an_unframed_stream_is_refused(scene: Scene) -> None:
    async def bare(origin: Origin, request: web.Request, before: int) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        response.force_close()
        request._version = HttpVersion10  # no chunked framing
        await response.prepare(request)
        await response.write(BYTES[:1000])
        return response

    scene.origin.hub_fault = bare
    assert outcome(scene, plain_file(scene.origin)) == "CannotVerify"


@pytest.mark.parametrize("twist", [{}, {"ranges": False}, {"ranges": False, "length": False}], ids=str)
def test_a_plain_address_without_any_hash(scene: Scene, twist: dict[str, Any]) -> None:
    scene.origin.hub_fault = some(ALWAYS, served(**twist))
    assert outcome(scene, plain_file(scene.origin)) == "right"


def test_a_web_page_under_a_files_type_is_recognised(scene: Scene) -> None:
    scene.origin.hub_fault = some(ALWAYS, disguised_page)
    assert outcome(scene, plain_file(scene.origin)) == "GotAWebPage"


@pytest.mark.parametrize(
    ("more", "expected"),
    [({"sha256": "0" * 64}, "HashDiffers"), ({"size": 5}, "SizeDiffers"), ({"size": len(BYTES)}, "right")],
    ids=str,
)
def test_the_manifests_size_and_hash_are_checked(scene: Scene, more: dict[str, Any], expected: str) -> None:
    assert outcome(scene, hub_file(**more)) == expected


def test_the_manifests_hash_counts_where_the_source_has_none(scene: Scene) -> None:
    assert outcome(scene, plain_file(scene.origin, sha256="0" * 64)) == "HashMismatch"


SECRET = "hf_s3cret"


async def gated(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
    if request.headers.get("Authorization") != f"Bearer {SECRET}":
        return web.Response(status=401, headers={"X-Error-Code": "GatedRepo"})
    return None


def test_gated_with_and_without_a_token_and_the_token_stays_at_its_host(
    scene: Scene, capfd: pytest.CaptureFixture[str]
) -> None:
    scene.origin.hub_fault = gated
    assert outcome(scene, hub_file()) == "LoginNeeded"
    scene.tokens = Tokens({origin_of(scene.origin.hub_url): SECRET})
    assert outcome(scene, hub_file()) == "right"
    assert {hit.authorization for hit in scene.origin.requests("cdn")} == {""}
    assert any(hit.authorization for hit in scene.origin.requests("hub"))  # the control
    everything = "".join(capfd.readouterr()) + "".join(scene.logged)
    assert SECRET not in everything
    assert "sig=" not in everything
    for path in scene.root.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()


def test_a_token_does_not_come_back_when_a_redirect_returns_to_its_host(scene: Scene) -> None:
    async def bounce(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
        if request.path.startswith("/plain/"):
            return None
        return web.Response(status=302, headers={"Location": f"{origin.cdn_url}/away"})

    async def back(origin: Origin, request: web.Request, before: int) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": f"{origin.hub_url}/plain/{NAME}"})

    scene.tokens = Tokens({origin_of(scene.origin.hub_url): SECRET})
    scene.origin.hub_fault, scene.origin.cdn_fault = bounce, back
    assert outcome(scene, hub_file()) == "right"
    sent = [hit.authorization for hit in scene.origin.hits]
    assert sent[0] == f"Bearer {SECRET}"
    assert set(sent[1:]) == {""}


def test_an_unavailable_file_never_stops_the_others(scene: Scene) -> None:
    good = [hub_file(f"{number}.bin") for number in range(5)]
    for file in good:
        name = file.keys["path"]
        scene.origin.put(name, random.Random(name).randbytes(100_000))
    bad = hub_file("missing.bin")
    transfers = scene.download(*good[:2], bad, *good[2:])
    assert [each.state for each in transfers if each.file is not bad] == [INSTALLED] * 5
    assert [each.problem and each.problem[0] for each in transfers if each.file is bad] == ["NotFound"]


def test_retry_after_of_the_first_failure_is_honoured(scene: Scene) -> None:
    """A second is what it asks for; our own wait would be a hundredth of one."""
    asked: list[float] = []

    async def busy(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
        asked.append(time.monotonic())
        return web.Response(status=503, headers={"Retry-After": "1"}) if before < 1 else None

    scene.origin.hub_fault = busy
    assert outcome(scene, hub_file()) == "right"
    assert asked[1] - asked[0] >= 1


def test_no_more_requests_than_attempts(scene: Scene) -> None:
    scene.origin.hub_fault = some(ALWAYS, status(503))
    assert outcome(scene, hub_file()) == "OriginFails"
    assert len(scene.origin.requests("hub")) == scene.limits.attempts


def test_a_source_that_drips_over_all_connections_is_given_up(scene: Scene) -> None:
    """Together they bring more than one connection has to; the file would take days."""
    scene.limits = dataclasses.replace(FAST, slowest=100)
    scene.origin.cdn_fault = some(1000, served(drip=True), 1)
    assert outcome(scene, hub_file(NAME)) == "OriginFails"


def test_a_manifest_that_drips_is_given_up(tmp_path: Path, origin: Origin) -> None:
    async def dripping(origin: Origin, request: web.Request, before: int) -> web.StreamResponse:
        return await origin.serve(request, b"# schema\n" * 1000, drip=True)

    async def read() -> None:
        async with HttpClient(FAST) as client:
            client.allow(origin.hub_url)
            async with client.get(f"{origin.hub_url}/models.toml") as response:
                await response.read(1 << 20)

    origin.hub_fault = dripping
    began = time.monotonic()
    with pytest.raises(ConnectionBroken, match=r"only \d+ bytes in 0.6 s"):
        asyncio.run(asyncio.wait_for(read(), 20))
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "head",
    [
        "403 No\r\nX-Error-Message: \x1b[2J\x9b2Jno", "503 No\r\nX-Error-Message: \x1b]0;no\x07",
        "200 OK\r\nContent-Encoding: \x1b[2J", "302 Found\r\nLocation: https://\x1b[2J.example/x",
        "302 Found\r\nLocation: gopher://\x1b[2J/x", "206 OK\r\nContent-Range: \x1b[2J", "200 \x1b[2J",
    ],
)  # fmt: skip
@pytest.mark.parametrize("first", [0, 1])
def test_what_an_origin_says_cannot_control_the_terminal(scene: Scene, head: str, first: int) -> None:
    async def raw(origin: Origin, request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.write(f"HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n".encode("latin-1"))
        request.transport.close()
        return web.Response()

    scene.origin.cdn_fault = some(1000, raw, first)
    (found,) = scene.download(hub_file(NAME))
    assert found.problem
    assert all(text.isprintable() for text in (*found.problem, found.last)), found
