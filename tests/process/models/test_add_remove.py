"""`podkeeper models add` and `rm`, in a real process."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.support.models.origin import Origin
from tests.support.models.pod import MIB, Pod
from tests.support.waiting import wait_until


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as started:
        started.put("x-lora.safetensors", random.Random(1).randbytes(2 * MIB))
        yield started


def facts(path: Path) -> tuple[int, int, int, int]:
    found = path.lstat()
    return found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns


def test_added_fetched_removed(tmp_path: Path, origin: Origin) -> None:
    """The user's text stays; what was fetched goes, with its size; another file of the user's stays."""
    pod = Pod(tmp_path, origin)
    manifest = Path(pod.paths.data, "models.toml")
    manifest.write_text("# my notes\nschema = 1\n[bundles.B]\n")
    manifest.chmod(0o664)
    url = f"{origin.hub_url}/o/r/blob/main/x-lora.safetensors"
    code, text = pod.run("add", url)
    assert code == 0, text
    assert "loras/x-lora.safetensors is in" in text
    assert manifest.read_text().startswith("# my notes\nschema = 1\n[bundles.B]\n")
    assert manifest.stat().st_mode & 0o777 == 0o664
    code, text = pod.run("add", url)
    assert (code, "is the destination of another file already" in text) == (2, True)
    assert pod.run("fetch", "MINE")[0] == 0
    installed = pod.installed("x-lora.safetensors")
    assert installed.read_bytes() == origin.files["x-lora.safetensors"]
    code, text = pod.run("rm", "loras/x-lora.safetensors")
    assert (code, "models: 2.1 MB freed" in text) == (0, True), text
    assert not installed.exists()
    assert "x-lora" not in manifest.read_text()
    assert "# my notes" in manifest.read_text()


def test_a_file_is_removed_while_it_is_fetched(tmp_path: Path, origin: Origin) -> None:
    """Nothing of it is left, the fetch says why it ends, and the other file is there."""
    origin.put("large.bin", random.Random(2).randbytes(20 * MIB))
    origin.delay = 0.3  # longer than `rm` takes to start on a busy machine
    pod = Pod(tmp_path, origin, "large.bin", "x-lora.safetensors")
    fetching = pod.start("fetch")
    wait_until(lambda: origin.sent > 4 * MIB, 60, "a part is there")
    code, text = pod.run("rm", "loras/large.bin")
    origin.delay = 0
    assert (code, "removed" in text) == (0, True), text
    text, _ = fetching.communicate(timeout=60)
    assert "loras/large.bin: LeaseLost: it was removed while it was downloaded" in text, text
    assert fetching.returncode == 75
    assert pod.installed("x-lora.safetensors").exists()
    assert not [path for path in tmp_path.rglob("*large.bin*") if path.is_file()]
    assert not [path for path in Path(pod.paths.models_state, "staging").rglob("*") if path.is_file()]
    assert pod.run("fetch")[0] == 0


def test_a_file_that_podkeeper_did_not_download_is_never_removed(tmp_path: Path, origin: Origin) -> None:
    """Put there by the user: also when it is the very same file, and when it was changed after the fetch."""
    pod = Pod(tmp_path, origin, "x-lora.safetensors")
    installed = pod.installed("x-lora.safetensors")
    installed.parent.mkdir(parents=True)
    installed.write_bytes(origin.files["x-lora.safetensors"])
    assert pod.run("fetch")[0] == 0  # adopted
    code, text = pod.run("rm", "B")
    assert (code, "kept: it was not fetched by podkeeper" in text) == (1, True), text
    assert installed.exists()
    installed.unlink()
    assert pod.run("fetch")[0] == 0
    installed.write_bytes(b"trained further")
    assert pod.run("rm", "B")[0] == 1
    assert installed.read_bytes() == b"trained further"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            ("add", "https://huggingface.co/o/r"),
            2,
            "cannot add https://huggingface.co/o/r: NotFound: HTTP 404",
        ),
        (("add", "https://example.com/x?token=s3cret"), 2, "cannot add https://example.com/x: cannot tell the kind"),
        (("add", "https://example.com/x", "--dest", "../x"), 2, "must be a path below its folder"),
        (
            ("add", "https://example.com/x", "--dest", "loras/x", "--sha256", "1"),
            2,
            "64 lower-case hex digits",
        ),
        (("add", "http://[::1/x"), 2, "cannot add a malformed address: it is malformed"),
        (("add", "http://example.com:99999/x"), 2, "cannot add a malformed address: it is malformed"),
        (("add", "http://example.com:x/x"), 2, "cannot add a malformed address: it is malformed"),
        (("add", "https://me:s3cret@example.com/x"), 2, "cannot add https://example.com/x: take the login out"),
        (("add", "https://s3cret@example.com/x"), 2, "cannot add https://example.com/x: take the login out"),
        (("add", "https://me:s3cret/x@example.com/x"), 2, "cannot add a malformed address"),
        (("add", "https://me:s3cret?x@example.com/x"), 2, "cannot add a malformed address"),
        (("add", "me:s3cret@example.com/x"), 2, "cannot add a malformed address: it must begin with https://"),
        (("add", "https:/me:s3cret@example.com/x"), 2, "cannot add a malformed address: it must begin with https://"),
        (("add", "https://example.com/x\u202e"), 2, "it has characters that no address has"),
        (("add", "https://example.com/x", "--dest=-rf"), 2, "must be a path below its folder"),
        (("add", "https://example.com/x", "--dest", "loras/-rf"), 2, "must be a path below its folder"),
        (("add", "https://example.com/x", "--dest", "loras/a\u202egnp.exe"), 2, "must be a path below its folder"),
        (("add", "https://example.com/x", "--dest", "loras/a\x1b[2J"), 2, "must be a path below its folder"),
        (("add", "https://example.com/loras/%E2%80%AEx"), 2, "must be a path below its folder"),
        (("add", "https://example.com/loras/-rf"), 2, "must be a path below its folder"),
        (("add", "https://example.com/x", "--dest", "loras/" + "x" * 256), 2, "no disk takes a name of"),
        (("add",), 64, "are required: URL"),
        (("add", "https://example.com/x", "--nonsense"), 64, "unrecognized arguments: --nonsense"),
        (("rm", "loras/nothing"), 2, "no manifest has a file or bundle loras/nothing"),
        (("rm",), 64, "are required: FILE|BUNDLE"),
        (("fetch", "NOPE"), 2, "there is no bundle NOPE; the bundles are B"),
    ],
)
def test_a_refused_command_says_why(
    tmp_path: Path, origin: Origin, arguments: tuple[str, ...], code: int, words: str
) -> None:
    pod = Pod(tmp_path, origin)
    before = Path(pod.paths.data, "models.toml").read_text()
    ended, text = pod.run(*arguments)
    assert (ended, words in text) == (code, True), text
    assert "s3cret" not in text
    assert Path(pod.paths.data, "models.toml").read_text() == before


@pytest.mark.parametrize(
    "query",
    ["token=s3cret", "%74oken=s3cret", "TOKEN=s3cret", "a=1&X-Amz-Signature=s3cret", "api_key=s3cret", "key=s3cret"],
)
@pytest.mark.parametrize("site", ["https://example.com/a.safetensors", "https://civitai.com/api/download/models/7"])
def test_a_token_in_an_address_is_not_kept(tmp_path: Path, origin: Origin, site: str, query: str) -> None:
    pod = Pod(tmp_path, origin)
    code, text = pod.run("add", f"{site}?type=Model&{query}#s3cret", "--dest", "loras/a")
    assert code == 0, text
    assert "the token in the address is not kept" in text
    assert "CIVITAI_TOKEN" in text
    manifest = Path(pod.paths.data, "models.toml").read_text()
    assert "type=Model" in manifest
    assert "s3cret" not in manifest + text


def test_a_password_with_a_slash_in_a_manifests_address_is_not_printed(tmp_path: Path, origin: Origin) -> None:
    pod = Pod(tmp_path, origin)
    url = "https://me:s3cret/s3cret@example.com/x?s3cret"
    pod.manifest(f'schema = 1\n[bundles.B]\n[[files]]\nbundle = "B"\nsource = "url"\nurl = "{url}"\ndest = "loras/x"\n')
    for verb in (("fetch", "B"), ("plan",), ("list", "B"), ("verify",)):
        assert "s3cret" not in pod.run(*verb, DOWNLOAD_B="true")[1]


@pytest.mark.parametrize("proxy", ["http://me:s3cret@127.0.0.1:9", "http://me:s3/s3cret@127.0.0.1:9", "me:s3cret@x:y"])
def test_the_login_of_a_proxy_is_not_printed(tmp_path: Path, origin: Origin, proxy: str) -> None:
    pod = Pod(tmp_path, origin)
    file = '[[files]]\nbundle = "B"\nsource = "url"\nurl = "http://example.invalid/x?s3cret"\ndest = "loras/x"\n'
    pod.manifest(f"schema = 1\n[bundles.B]\n{file}")
    code, text = pod.run("plan", http_proxy=proxy)
    assert (code, "s3cret" in text, "did not respond" in text) == (75, False, True), text


@pytest.mark.parametrize(
    "location",
    ["https://me:s3cret/x@h/", "ftp://me:s3cret@h/", "https://me:s3cret@[::1/", "http://me:s3cret@127.0.0.2:1/"],
)
def test_the_login_of_a_redirect_is_not_printed(tmp_path: Path, origin: Origin, location: str) -> None:
    async def redirect(origin: Origin, request: web.Request, before: int) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": location})

    origin.hub_fault = redirect
    pod = Pod(tmp_path, origin, "x-lora.safetensors")
    code, text = pod.run("fetch")
    assert (code, "s3cret" in text, "loras/x-lora.safetensors: " in text) == (1, False, True), text


@pytest.mark.parametrize("url", ["http://[::1/x", "http://127.0.0.1:99999/x", "http://a:b/x", "http://a]/x"])
def test_a_malformed_address_in_a_manifest_is_one_line_and_other_files_are_fetched(
    tmp_path: Path, origin: Origin, url: str
) -> None:
    pod = Pod(tmp_path, origin)
    file = f'[[files]]\nbundle = "B"\nsource = "url"\nurl = "{url}"\ndest = "loras/x"\n'
    pod.manifest(f"schema = 1\n[bundles.B]\nsize_gb = 0.001\n{file}", "x-lora.safetensors")
    code, text = pod.run("fetch")
    assert (code, f"loras/x: BadAddress: {url} is malformed" in text) == (1, True), text
    assert pod.installed("x-lora.safetensors").exists()
    assert pod.run("plan")[0] == 1
    code, text = pod.run("fetch", MODELS_MANIFEST="http://127.0.0.1:99999/x")
    assert code in (1, 2, 75), text
    code, text = pod.run("plan", HF_ENDPOINT="http://127.0.0.1:99999")
    assert code in (1, 2, 75), text


@pytest.mark.parametrize(("query", "mode"), [("?v=2", 0o600), ("", 0o644)])
def test_a_manifest_with_a_query_in_an_address_is_private(
    tmp_path: Path, origin: Origin, query: str, mode: int
) -> None:
    pod = Pod(tmp_path, origin)
    manifest = Path(pod.paths.data, "models.toml")
    manifest.chmod(0o644)
    assert pod.run("add", f"https://example.com/a.bin{query}", "--dest", "loras/a.bin")[0] == 0
    assert manifest.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("verb", [("add", "https://example.com/a.bin", "--dest", "loras/a"), ("rm", "loras/a")])
@pytest.mark.parametrize("found", ["bytes", "fifo", "folder", "large"])
def test_a_manifest_that_cannot_be_read_is_not_replaced(
    tmp_path: Path, origin: Origin, found: str, verb: tuple[str, ...]
) -> None:
    pod = Pod(tmp_path, origin)
    manifest = Path(pod.paths.data, "models.toml")
    manifest.unlink()
    if found == "fifo":
        os.mkfifo(manifest)
    elif found == "folder":
        manifest.mkdir()
    else:
        manifest.write_bytes(b"# \xff\nschema = 1\n" if found == "bytes" else b"#" * (1 << 20) + b"\nschema = 1\n")
    before = facts(manifest)
    for command in (verb, ("list",), ("plan",)):
        code, text = pod.run(*command)
        assert (code, f"cannot use {manifest}" in text) == (2, True), text
    assert facts(manifest) == before


def test_adding_to_a_new_manifest_keeps_the_built_in_catalogue(tmp_path: Path, origin: Origin) -> None:
    pod = Pod(tmp_path, origin)
    Path(pod.paths.data, "models.toml").unlink()
    assert pod.run("add", "https://example.com/a.safetensors", "--dest", "loras/")[0] == 0
    listed = pod.run("list")[1]
    assert "WAN_CORE" in listed
    assert "MINE" in listed


@pytest.mark.parametrize("address", ["hub", "plain"])
def test_one_part_of_a_set_means_all_of_it(tmp_path: Path, origin: Origin, address: str) -> None:
    pod = Pod(tmp_path, origin)
    names = [f"x-{number:05}-of-00003.safetensors" for number in (1, 2, 3)]
    site = f"{origin.hub_url}/o/r/resolve/main/text_encoders" if address == "hub" else "https://a.example/clip"
    code, text = pod.run("add", f"{site}/{names[1]}")
    assert (code, f"{names[0]} and the other 2 parts of it are in" in text) == (0, True), text
    manifest = Path(pod.paths.data, "models.toml")
    assert manifest.read_text().count("[[files]]") == 3
    assert all(manifest.read_text().count(name) == 2 for name in names)
    before = manifest.read_text()
    code, text = pod.run("add", f"{site}/{names[0]}")
    assert (code, "is the destination of another file already" in text) == (2, True), text
    assert manifest.read_text() == before


@pytest.mark.parametrize(
    ("url", "arguments"),
    [
        ("https://a.example/clip/x-00001-of-00003.bin", ("--sha256", "0" * 64)),
        ("https://a.example/clip/x-00001-of-00003.bin", ("--dest", "clip/another.bin")),
        ("https://a.example/clip/x-00001-of-99999.bin", ()), ("https://a.example/clip/x-00001-of-00001.bin", ()),
        ("https://a.example/clip/x-00001-of-00000.bin", ()), ("https://a.example/clip/x-1-of-3.bin", ()),
    ],
)  # fmt: skip
def test_what_is_no_set_is_one_file(tmp_path: Path, origin: Origin, url: str, arguments: tuple[str, ...]) -> None:
    pod = Pod(tmp_path, origin)
    assert pod.run("add", url, *arguments)[0] == 0
    assert Path(pod.paths.data, "models.toml").read_text().count("[[files]]") == 1


def test_a_manifest_at_an_address_is_not_edited(tmp_path: Path, origin: Origin) -> None:
    pod = Pod(tmp_path, origin)
    code, text = pod.run(
        "add", "https://example.com/a", "--dest", "loras/a", MODELS_MANIFEST="https://example.com/models.toml"
    )
    assert (code, "MODELS_MANIFEST is an address" in text) == (2, True)
