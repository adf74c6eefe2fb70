"""A wrong file is never called right, and one that is refused does not cost the others."""

from __future__ import annotations

import dataclasses
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from entrypoint.models.progress import FAILED, INSTALLED, Transfer
from entrypoint.models.sources.model_file import File
from tests.support.models.fetcher import Scene, hub_file, plain_file
from tests.support.models.origin import Origin
from tests.support.models.pod import Pod

BYTES = random.Random(2).randbytes(300_000)


def safetensors(tensor: int = 1000, *, cut: int = 0) -> bytes:
    header = json.dumps({"a": {"dtype": "U8", "shape": [tensor], "data_offsets": [0, tensor]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(tensor - cut)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Origin() as origin:
        for name in ("a.bin", "b.bin", "m.bin"):
            origin.put(name, BYTES)
        yield Scene(tmp_path, origin)


def problem(transfer: Transfer) -> str:
    return transfer.problem[0] if transfer.problem else transfer.state


def to(dest: str, name: str = "a.bin") -> File:
    return dataclasses.replace(hub_file(name), dest=dest)


@pytest.mark.parametrize(
    ("dest", "expected"),
    [
        (f"loras/{'x' * 300}.bin", "BadName"),
        ("file/below/a.bin", "VolumeRefuses"),
        ("dead/a.bin", "VolumeRefuses"),
        ("loop/a.bin", "VolumeRefuses"),
    ],
)
def test_a_destination_that_the_disk_refuses_costs_its_file_alone(scene: Scene, dest: str, expected: str) -> None:
    models = scene.installed(to("x")).parent
    models.mkdir(parents=True)
    (models / "file").touch()
    (models / "dead").symlink_to("/nonexistent/folder")
    (models / "loop").symlink_to("loop")
    found = scene.download(to("loras/1.bin"), to(dest), to("loras/2.bin"), to("vae/3.bin"))
    assert [problem(each) for each in found] == [INSTALLED, expected, INSTALLED, INSTALLED]
    assert not scene.staged()


@pytest.mark.parametrize("name", ["漢" * 83 + ".bin", "x" * 251 + ".bin"])
def test_a_name_that_a_disk_takes_is_fetched_and_has_a_receipt(scene: Scene, name: str) -> None:
    file = to(f"loras/{name}")
    assert problem(scene.download(file)[0]) == INSTALLED
    assert scene.store.receipt(file)


@pytest.mark.parametrize("linked", [True, False])
def test_another_source_for_the_same_destination_is_another_file(scene: Scene, linked: bool) -> None:
    scene.origin.linked = linked
    scene.download(to("loras/x.bin"))
    scene.origin.put("b.bin", BYTES[::-1])
    other = to("loras/x.bin", "b.bin")
    assert problem(scene.download(other)[0]) == INSTALLED
    assert scene.installed(other).read_bytes() == BYTES[::-1]


def test_without_a_strong_etag_and_a_hash_a_file_comes_in_one_request(scene: Scene) -> None:
    async def weak(origin: Origin, request: web.Request, before: int) -> web.StreamResponse:
        content = BYTES if before % 2 == 0 else BYTES[::-1]
        return await origin.serve(request, content, headers={"ETag": 'W/"x"'})

    scene.origin.hub_fault = weak
    file = plain_file(scene.origin)
    assert problem(scene.download(file)[0]) == INSTALLED
    assert scene.installed(file).read_bytes() in (BYTES, BYTES[::-1])


def test_an_etag_that_differs_by_server_does_not_matter_where_the_hash_is_known(scene: Scene) -> None:
    async def balanced(origin: Origin, request: web.Request, before: int) -> None:
        origin.version = f"v{before}"

    scene.origin.cdn_fault = balanced
    (found,) = scene.download(hub_file())
    assert (problem(found), found.retries) == (INSTALLED, 0)


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("status", [403, 416])
def test_an_origin_that_refuses_all_but_the_first_byte_sends_the_whole_file(
    scene: Scene, status: int, linked: bool
) -> None:
    async def refusing(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
        wanted = request.headers.get("Range", "bytes=0-0")
        return None if wanted == "bytes=0-0" else web.Response(status=status)

    scene.origin.hub_fault = scene.origin.cdn_fault = refusing
    scene.origin.linked = linked
    found = scene.download(hub_file("a.bin"), plain_file(scene.origin))
    assert [problem(each) for each in found] == [INSTALLED, INSTALLED]


@pytest.mark.parametrize("shift", [1, -1, 1000])
def test_a_range_of_other_bytes_is_refused_where_no_hash_is_known(scene: Scene, shift: int) -> None:
    async def shifted(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
        if request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
            return None
        return await origin.serve(request, origin.files["m.bin"], shift=shift)

    scene.origin.hub_fault = shifted
    (found,) = scene.download(plain_file(scene.origin))
    assert (found.state, found.problem and found.problem[0]) == (FAILED, "OriginFails")
    assert not scene.installed(found.file).exists()


@pytest.mark.parametrize("status", [400, 403, 405, 416, 501])
def test_an_origin_that_refuses_every_range_sends_the_whole_file(scene: Scene, status: int) -> None:
    async def refusing(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
        return web.Response(status=status) if "Range" in request.headers else None

    scene.origin.hub_fault = refusing
    assert problem(scene.download(plain_file(scene.origin))[0]) == INSTALLED


def test_an_empty_file_is_named(scene: Scene) -> None:
    scene.origin.put("m.bin", b"")
    assert problem(scene.download(plain_file(scene.origin))[0]) == "EmptyFile"


def test_a_wrong_hash_in_the_manifest_is_final_until_manifest_or_source_changes(scene: Scene) -> None:
    scene.origin.linked = False
    wrong = hub_file(sha256="0" * 64)
    (first,) = scene.download(wrong)
    assert (problem(first), first.temporary) == ("HashMismatch", False)
    sent = scene.origin.sent
    (second,) = scene.download(wrong)
    assert (problem(second), second.temporary) == ("HashMismatch", False)
    assert scene.origin.sent - sent < 1000
    right = hub_file(sha256=scene.origin.put("m.bin", BYTES))
    assert problem(scene.download(right)[0]) == INSTALLED
    scene.installed(right).unlink()
    scene.download(wrong)
    scene.origin.version = "v2"
    assert scene.download(wrong)[0].received > len(BYTES)


NOT_A_MODEL = {
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "an error in XML": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "an error in JSON": b'{"error": "gated"}',
    "a login page behind a BOM": b"\xef\xbb\xbf\n <!DOCTYPE html><title>Log in</title>",
    "a zip": b"PK\x03\x04" + bytes(500),
    "random bytes": BYTES,
    "a truncated file": safetensors(cut=1),
    "a broken header": (20).to_bytes(8, "little") + b"{" + bytes(60),
}


@pytest.mark.parametrize("by_hand", [False, True], ids=["fetched", "by hand"])
@pytest.mark.parametrize("content", NOT_A_MODEL.values(), ids=NOT_A_MODEL)
def test_what_is_no_model_is_refused_where_no_hash_is_known(scene: Scene, content: bytes, by_hand: bool) -> None:
    right = safetensors(len(content)) if by_hand else content
    scene.origin.put("m.safetensors", right)
    file = plain_file(scene.origin, "m.safetensors")
    target = scene.installed(file)
    if by_hand:
        target.parent.mkdir(parents=True)
        target.write_bytes(content + bytes(len(right) - len(content)))
        assert problem(scene.download(file)[0]) == INSTALLED
        assert target.read_bytes() == right
    else:
        assert scene.download(file)[0].state == FAILED
        assert not target.exists()
        assert not scene.staged()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.safetensors", safetensors()), ("m.sft", safetensors()), ("m.gguf", b"GGUF" + bytes(50)),
        ("m.pth", b"PK\x03\x04" + bytes(50)), ("m.ckpt", b"\x80\x02" + bytes(50)), ("m.bin", b"anything"),
        ("m.json", b'{"a": 1}'), ("m.yaml", b"model:\n"), ("m.onnx", b"\x08\x07"),
    ],
)  # fmt: skip
def test_what_begins_as_its_ending_says_is_taken(scene: Scene, name: str, content: bytes) -> None:
    scene.origin.put(name, content)
    assert problem(scene.download(plain_file(scene.origin, name))[0]) == INSTALLED


def test_what_verify_calls_damaged_is_fetched_again(tmp_path: Path) -> None:
    with Origin() as origin:
        origin.put("m.bin", BYTES)
        origin.linked = False
        pod = Pod(tmp_path, origin, "m.bin")
        environ = {"DOWNLOAD_B": "true"}
        assert pod.run("fetch", **environ)[0] == 0
        target = pod.installed("m.bin")
        kept = target.stat()
        target.write_bytes(BYTES[:-1] + b"\0")
        os.utime(target, ns=(kept.st_atime_ns, kept.st_mtime_ns))  # rot on the disk keeps the time
        code, text = pod.run("verify", **environ)
        assert code == 1
        assert "damaged; `podkeeper models fetch B` fetches it again" in text
        assert pod.run("fetch", **environ)[0] == 0
        assert target.read_bytes() == BYTES
        assert pod.run("verify", **environ)[0] == 0


@pytest.mark.parametrize(
    "text",
    [
        'schema = 1\n[bundles.A]\nimplies = [["A"]]\n', "schema = 1\n[[files]]\nsource = 'url'\nbundle = {}\n",
        f"schema = {'9' * 5000}\n", "a = " + "[" * 5000, 'schema = 1\n[bundles.A]\nabout = "\\u001b[2J"\n',
        "schema = 1\n[[files]]\nsource = {}\n",
        "schema = 1\n[bundles.B]\n" + "".join(
            f"[[files]]\nbundle = 'B'\nsource = 'url'\nurl = 'https://a.b/x'\ndest = '{folder}/x'\n"
            for folder in ("checkpoints", "checkpoint_models")
        ),
    ],
)  # fmt: skip
def test_a_junk_manifest_is_one_line(tmp_path: Path, text: str) -> None:
    with Origin() as origin:
        pod = Pod(tmp_path, origin)
        Path(pod.paths.data, "models.toml").write_text(text)
        code, said = pod.run("plan")
    assert code == 2
    assert len(said.splitlines()) == 1
    assert "\x1b" not in said


def test_a_manifest_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    with Origin() as origin:
        origin.put("m.bin", BYTES)
        pod = Pod(tmp_path, origin, "m.bin")
        path = Path(pod.paths.data, "models.toml")
        path.write_text("\ufeff" + path.read_text())
        assert pod.run("fetch", "B")[0] == 0
