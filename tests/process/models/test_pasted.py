"""`podkeeper models add` and `fetch ADDRESS`: repositories, folders, parts, collections, Civitai's pages, releases."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from entrypoint.models import fetch_pasted as fetch_pasted_module
from entrypoint.models import run
from entrypoint.models.add_remove import add
from entrypoint.models.fetch_pasted import fetch_pasted
from entrypoint.models.pasted_files import Pasted
from entrypoint.models.sources import registry
from entrypoint.models.sources.base import origin_of
from entrypoint.models.sources.tokens import Tokens
from tests.support.models.fetcher import FAST
from tests.support.models.origin import Origin, drop
from tests.support.models.pod import Pod
from tests.support.models.sites import answers, siblings, sources_at, version

REPOSITORY = "/api/models/o/r/revision/main"


def safetensors(size: int) -> bytes:
    """One tensor (github.com/huggingface/safetensors, README "Format")."""
    head = json.dumps({"x": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(head)) + head + bytes(size)


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as started:
        for number, name in enumerate(("a.safetensors", "b.safetensors", "c.safetensors")):
            started.put(name, safetensors(1000 + number))
        yield started


@pytest.fixture
def pod(tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pod]:
    mask = os.umask(0o022)  # fetch sets the volume's
    monkeypatch.setattr(registry, "SOURCES", sources_at(origin))
    made = Pod(tmp_path, origin)
    Path(made.paths.data, "models.toml").unlink()
    yield made
    os.umask(mask)


def fetch(pod: Pod, text: str, **more: Any) -> int:
    return fetch_pasted(pod.settings, pod.paths, [Pasted(text=text, **more)])


def models(pod: Pod) -> set[str]:
    folder = Path(pod.paths.data, "models")
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def manifest(pod: Pod) -> str:
    path = Path(pod.paths.data, "models.toml")
    return path.read_text() if path.exists() else ""


def test_a_repository_is_a_choice_with_sizes(pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is taken without one; a pattern takes some, --yes all; the same command again asks for nothing."""
    origin.hub_fault = answers({REPOSITORY: siblings(origin, "vae/a.safetensors", "loras/b.safetensors", "README.md")})
    assert fetch(pod, f"{origin.hub_url}/o/r") == 2
    said = capsys.readouterr().out
    assert "the repository o/r has 2 models, 0.0 MB; nothing is taken:" in said
    assert "0.0 MB  loras/b.safetensors" in said
    assert "choose with --include 'PATTERN' (as a shell has them), or take all with --yes" in said
    assert (manifest(pod), models(pod)) == ("", set())
    assert add(pod.settings, pod.paths, Pasted(text="o/r")) == 2
    assert fetch(pod, "o/r", include=("*a.safe*",)) == 0
    assert models(pod) == {"vae/a.safetensors"}
    assert fetch(pod, "o/r", everything=True) == 0
    assert models(pod) == {"vae/a.safetensors", "loras/b.safetensors"}
    assert manifest(pod).count("[[files]]") == 2
    before, asked = manifest(pod), len(origin.requests("cdn"))
    assert fetch(pod, "hf download o/r --include *") == 0
    assert (manifest(pod), len(origin.requests("cdn"))) == (before, asked)


def test_a_folder_of_one_model_is_taken_at_once(pod: Pod, origin: Origin) -> None:
    origin.hub_fault = answers({REPOSITORY: siblings(origin, "split/vae/a.safetensors", "split/loras/b.safetensors")})
    assert fetch(pod, f"{origin.hub_url}/o/r/tree/main/split/vae") == 0
    assert models(pod) == {"vae/a.safetensors"}
    assert fetch(pod, f"{origin.hub_url}/o/r/tree/main/elsewhere") == 2
    assert fetch(pod, f"{origin.hub_url}/o/r/tree/main/split/loras/b.safetensors", dest="loras") == 0
    assert models(pod) == {"vae/a.safetensors", "loras/b.safetensors"}


def test_parts_by_their_index_and_a_pipeline_keep_their_folder(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    origin.put("config.json", b"{}")
    origin.put("model.safetensors.index.json", b"{}")
    for name in names:
        origin.put(name, safetensors(500))
    paths = [f"te/{each}" for each in (*names, "model.safetensors.index.json", "config.json")]
    origin.hub_fault = answers({REPOSITORY: siblings(origin, *paths, "te/other.safetensors")})
    assert fetch(pod, "o/r/te/model.safetensors.index.json", dest="LLM/") == 0
    assert models(pod) == {f"LLM/r/{each}" for each in (*names, "model.safetensors.index.json")}
    origin.put("model_index.json", b"{}")
    paths = ["model_index.json", "vae/a.safetensors", "vae/config.json", "whole.safetensors"]
    origin.hub_fault = answers({REPOSITORY: siblings(origin, *paths)})
    assert fetch(pod, "o/r") == 2
    assert "r (a pipeline of 3 files)" in capsys.readouterr().out
    assert fetch(pod, "o/r", everything=True) == 0
    assert models(pod) >= {f"diffusers/r/{each}" for each in paths[:3]}
    assert not any("whole" in each for each in models(pod))


def test_a_repository_larger_than_the_disk_is_refused_before_a_byte(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = siblings(origin, "vae/a.safetensors")
    facts["siblings"][0]["size"] = 10**15
    origin.hub_fault = answers({REPOSITORY: facts})
    assert fetch(pod, "o/r") == 3
    assert "nothing is fetched: the repository o/r: 1 file, 1000000.0 GB need more than" in capsys.readouterr().out
    assert (manifest(pod), origin.requests("cdn")) == ("", [])


def test_what_is_installed_needs_no_room(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.hub_fault = answers({REPOSITORY: siblings(origin, "vae/a.safetensors")})
    assert fetch(pod, "o/r") == 0
    monkeypatch.setattr(fetch_pasted_module, "free_space", lambda _: (100, 10**12))
    assert fetch(pod, "o/r") == 0
    origin.hub_fault = answers({REPOSITORY: siblings(origin, "vae/b.safetensors")})
    assert fetch(pod, "o/r") == 3


def test_a_collection_names_its_models(pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    items = [{"type": "model", "id": "o/r"}, {"type": "dataset", "id": "o/d"}, {"type": "model", "id": "o/\x1b[2J"}]
    origin.hub_fault = answers({"/api/collections/o/some-1": {"title": "x", "items": items}})
    assert fetch(pod, f"{origin.hub_url}/collections/o/some-1") == 2
    assert "it is a collection of 1 models: paste one of them: o/r" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "kind", "dest"),
    [
        ("https://civitai.com/models/12/a-name", "LORA", "loras/a.safetensors"),
        ("https://civitai.com/models/12/a-name?modelVersionId=345", "Checkpoint", "checkpoints/a.safetensors"),
        ("https://civitai.red/models/12?modelVersionId=345", "VAE", "vae/a.safetensors"),
        ("https://civitai.com/api/download/models/345", "LoCon", "loras/a.safetensors"),
        ("urn:air:sdxl:lora:civitai:12@345", "TextualInversion", "embeddings/a.safetensors"),
        ("https://civitai.com/api/download/models/345?type=Model&format=SafeTensor", "Upscaler",
         "upscale_models/a.safetensors"),
    ],
)  # fmt: skip
def test_a_page_of_civitai_takes_one_try(pod: Pod, origin: Origin, text: str, kind: str, dest: str) -> None:
    facts = version(origin, "a.safetensors", kind)
    origin.hub_fault = answers(
        {
            "/api/v1/models/12": {"id": 12, "type": kind, "modelVersions": [facts, {"id": 1}]},
            "/api/v1/model-versions/345": facts,
        },
        {"/api/download/models/345": "a.safetensors"},
    )
    if "type=" in text:  # a plain address, which civitai.com itself would serve
        assert add(pod.settings, pod.paths, Pasted(text=text)) == 0
        assert f'dest = "{dest}"' in manifest(pod)
        return
    assert fetch(pod, text) == 0
    assert models(pod) == {dest}
    assert Path(pod.paths.data, "models", dest).read_bytes() == origin.files["a.safetensors"]


def test_another_file_of_a_version_is_chosen_by_its_pattern(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two files of a version often have one name; the one that is not primary is at an address of its own."""
    facts = version(origin, "a.safetensors", "LORA")
    address = f"{origin.hub_url}/api/download/models/345?type=Model&format=SafeTensor&fp=fp32&token=s3cret"
    for name in ("a.safetensors", "b.safetensors"):
        facts["files"].append({"id": 9, "name": name, "type": "Model", "sizeKB": 1.0, "downloadUrl": address})
    facts["files"].append({"id": 10, "name": "evil.safetensors", "type": "Model", "downloadUrl": "http://evil/x"})
    origin.hub_fault = answers({"/api/v1/model-versions/345": facts})
    assert add(pod.settings, pod.paths, Pasted(text="civitai:12@345", include=("b.*",))) == 0
    assert "fp=fp32" in manifest(pod)
    assert "s3cret" not in manifest(pod)
    assert add(pod.settings, pod.paths, Pasted(text="civitai:12@345", include=("evil*",))) == 2
    assert "evil" not in manifest(pod)
    assert add(pod.settings, pod.paths, Pasted(text="civitai:12@345", dest="vae/")) == 0
    assert 'dest = "vae/a.safetensors"' in manifest(pod)
    assert "it is a.safetensors, one of 3 files" in capsys.readouterr().out


def test_a_kind_of_civitais_without_a_folder_needs_one(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = version(origin, "a.safetensors", "Wildcards")
    origin.hub_fault = answers({"/api/v1/model-versions/345": facts})
    assert add(pod.settings, pod.paths, Pasted(text="civitai:12@345")) == 2
    assert "give --dest FOLDER/" in capsys.readouterr().out
    assert add(pod.settings, pod.paths, Pasted(text="civitai:12@345", dest="loras/")) == 0
    assert 'dest = "loras/a.safetensors"' in manifest(pod)


def test_a_release_page_has_its_assets(pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    assets = [{"name": "a.safetensors", "size": 1000}, {"name": "4x_b.safetensors", "size": 7}, {"name": "src.zip"}]
    facts = {"tag_name": "v1", "assets": assets}
    origin.hub_fault = answers({"/repos/o/r/releases/tags/v1": facts, "/repos/o/r/releases/latest": facts})
    assert fetch(pod, "https://github.com/o/r/releases/tag/v1") == 2
    assert "the release v1 of o/r has 2 models" in capsys.readouterr().out
    given = Pasted(text="https://github.com/o/r/releases/latest", include=("4x*",))
    assert add(pod.settings, pod.paths, given) == 0
    assert 'revision = "v1"\npath = "4x_b.safetensors"\ndest = "upscale_models/4x_b.safetensors"' in manifest(pod)


def test_what_cannot_be_had_leaves_the_manifest_as_it_was(pod: Pod, origin: Origin) -> None:
    assert fetch(pod, "o/r/vae/a.safetensors") == 0
    before = manifest(pod)
    assert fetch(pod, "o/r/vae/missing.safetensors") == 1
    assert manifest(pod) == before
    assert fetch(pod, "o/r/loras/b.safetensors", sha256="0" * 64) == 1
    assert manifest(pod) == before
    assert models(pod) == {"vae/a.safetensors"}


def test_only_what_was_pasted_is_fetched(pod: Pod, origin: Origin) -> None:
    """The bundle may have other files, which are not there yet."""
    assert add(pod.settings, pod.paths, Pasted(text="o/r/vae/a.safetensors")) == 0
    assert fetch(pod, "o/r/vae/b.safetensors") == 0
    assert models(pod) == {"vae/b.safetensors"}


def test_hostile_names_of_a_repository_stay_inside(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [
        "../../x.safetensors", "/tmp/x.safetensors", "vae/../../../x.safetensors", "CON.safetensors",
        "x" * 300 + ".safetensors", "vae/\x1b[2Jx.safetensors", ".ssh/x.safetensors", "vae/A.safetensors",
    ]  # fmt: skip
    facts = siblings(origin, *names, "vae/a.safetensors")
    facts["siblings"] += [None, 7, {}, {"rfilename": 7}, {"rfilename": "vae/c.safetensors", "size": "x", "lfs": 1}]
    origin.hub_fault = answers({REPOSITORY: facts})
    before = {path for path in pod.root.parent.rglob("*") if path.is_file()}
    fetch(pod, "o/r", everything=True)
    said = capsys.readouterr().out
    assert "left out, as no volume takes these names: ../../x.safetensors, /tmp/x.safetensors" in said
    assert "\x1b" not in said
    assert models(pod) <= {"vae/A.safetensors", "vae/a.safetensors", "vae/c.safetensors", "vae/r/vae/a.safetensors"}
    new = {path for path in pod.root.parent.rglob("*") if path.is_file()} - before
    assert all(str(path).startswith(pod.paths.data) or path.parent == Path(pod.paths.reports) for path in new)
    assert len({each.casefold() for each in models(pod)}) == len(models(pod))


async def _aborted(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
    if before:
        return None
    drop(request)
    return web.Response()


async def _busy(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
    return None if before > 1 else web.Response(status=503)


async def _other_bytes(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
    return await origin.serve(request, origin.files["b.safetensors"][:1075])


async def _page(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
    return web.Response(text="<html>log in</html>", content_type="text/html")


async def _shifted(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
    return await origin.serve(request, origin.files["a.safetensors"], shift=1)


async def _gone(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
    return web.Response(status=404)


@pytest.mark.parametrize(
    ("fault", "right"),
    [(_aborted, True), (_busy, True), (_other_bytes, False), (_page, False), (_shifted, False), (_gone, False)],
)
@pytest.mark.parametrize("text", ["o/r", "civitai:12@345"])
def test_a_fault_of_the_download_ends_in_the_right_file_or_in_none(
    pod: Pod, origin: Origin, monkeypatch: pytest.MonkeyPatch, text: str, fault: Any, right: bool
) -> None:
    """A listing or a page that leads to a file is fetched as every other address is (test_faults)."""
    monkeypatch.setattr(run, "Limits", lambda: FAST)
    found = {
        REPOSITORY: siblings(origin, "vae/a.safetensors"),
        "/api/v1/model-versions/345": version(origin, "a.safetensors", "VAE"),
    }
    origin.hub_fault = answers(found, {"/api/download/models/345": "a.safetensors"})
    origin.cdn_fault = fault
    code = fetch(pod, text)
    assert (code == 0, models(pod)) == (right, {"vae/a.safetensors"} if right else set())
    if right:
        installed = Path(pod.paths.data, "models/vae/a.safetensors")
        assert installed.read_bytes() == origin.files["a.safetensors"]


def _redirect(target: str) -> Any:
    return lambda request: web.Response(status=302, headers={"Location": target})


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        (lambda request: web.Response(status=401), 2, "LoginNeeded: HTTP 401 of"),
        (lambda request: web.Response(status=404), 2, "NotFound: HTTP 404 of"),
        (lambda request: web.Response(status=429), 75, "answers HTTP 429; try again later"),
        (lambda request: web.Response(status=503), 75, "answers HTTP 503; try again later"),
        (lambda request: web.Response(text="<html>"), 2, "is not JSON"),
        (lambda request: web.Response(body=b"[" * 100_000), 2, "is not JSON"),
        (lambda request: web.json_response([]), 2, "it has no model files; it is empty"),
        (lambda request: web.json_response({"siblings": {"x": 1}}), 2, "it has no model files; it is empty"),
        (_redirect("http://169.254.169.254/latest/meta-data"), 2, "redirects elsewhere"),
        (_redirect("file:///etc/passwd"), 2, "InsecureRedirect"),
        (_redirect(REPOSITORY), 2, "redirects elsewhere"),
    ],
)
def test_a_site_that_does_not_tell_is_named(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str], given: Any, code: int, words: str
) -> None:
    origin.hub_fault = answers({REPOSITORY: given})
    assert fetch(pod, "o/r") == code
    assert words in capsys.readouterr().out
    assert manifest(pod) == ""


def test_a_renamed_repository_is_followed_and_no_token_goes_elsewhere(
    pod: Pod, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub redirects to the new name with 307."""
    tokens = Tokens({origin_of(origin.hub_url): "s3cret"})
    monkeypatch.setattr(Tokens, "of", classmethod(lambda *_: tokens))
    new = "/api/models/o/new/revision/main"
    origin.hub_fault = answers({REPOSITORY: _redirect(new), new: siblings(origin, "vae/a.safetensors")})
    assert add(pod.settings, pod.paths, Pasted(text="o/r")) == 0
    assert {hit.authorization for hit in origin.requests("hub")} == {"Bearer s3cret"}
    origin.hub_fault = answers({REPOSITORY: _redirect(f"{origin.cdn_url}/x")})
    assert fetch(pod, "o/r") == 2
    assert origin.requests("cdn") == []


@pytest.mark.parametrize("target", ["http://127.0.0.2:1/x", "http://169.254.169.254/x", "http://[::1]:1/x"])
def test_a_file_that_leads_into_the_pods_own_networks_is_refused(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    origin.hub_fault = answers({REPOSITORY: siblings(origin, "vae/a.safetensors"),
                                "/o/r/resolve/main/vae/a.safetensors": _redirect(target)})  # fmt: skip
    assert fetch(pod, "o/r") == 1
    assert "PrivateAddress" in capsys.readouterr().out
    assert models(pod) == set()


def test_the_command_line(pod: Pod, origin: Origin) -> None:
    """A command without quotes, a bundle beside an address, and a table of exit codes."""
    pod.manifest("schema = 1\n[bundles.B]\n", "a.safetensors")
    code, text = pod.run("fetch", "B", "hf", "download", "o/r", "vae/b.safetensors")
    assert code == 0, text
    assert models(pod) == {"loras/a.safetensors", "vae/b.safetensors"}
    code, text = pod.run("add", "gs://bucket/x")
    assert (code, "files of Google's storage need its login" in text) == (2, True)
