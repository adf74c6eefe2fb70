"""Addresses as people copy them, and the manifest's text with a file more or less."""

from __future__ import annotations

import pytest

from entrypoint.models.catalogue.edit import NEW, with_file, without_file
from entrypoint.models.catalogue.manifest import BadManifest, parse
from entrypoint.models.sources.recognise import NotAnAddress, destination, recognise

HF = "https://huggingface.co/Comfy-Org/Wan_2.2/"


@pytest.mark.parametrize(
    ("url", "keys", "dest"),
    [
        (
            HF + "resolve/main/split_files/vae/wan_2.1.safetensors?download=true",
            {"source": "huggingface", "repo_id": "Comfy-Org/Wan_2.2", "path": "split_files/vae/wan_2.1.safetensors"},
            "vae/wan_2.1.safetensors",
        ),
        (
            HF + "blob/refs%2Fpr%2F1/my%20lora.safetensors",
            {"source": "huggingface", "repo_id": "Comfy-Org/Wan_2.2", "path": "my lora.safetensors",
             "revision": "refs/pr/1"},
            "loras/my lora.safetensors",
        ),
        (
            "https://github.com/xinntao/Real-ESRGAN/releases/download/v0.1.0/RealESRGAN_x4plus.pth",
            {"source": "github_release", "repo_id": "xinntao/Real-ESRGAN", "revision": "v0.1.0",
             "path": "RealESRGAN_x4plus.pth"},
            "upscale_models/RealESRGAN_x4plus.pth",
        ),
        (
            "https://github.com/o/r/blob/main/embeddings/bad.pt",
            {"source": "url", "url": "https://github.com/o/r/raw/main/embeddings/bad.pt"},
            "embeddings/bad.pt",
        ),
        (
            "https://example.com/files/flux-lora.safetensors",
            {"source": "url", "url": "https://example.com/files/flux-lora.safetensors"},
            "loras/flux-lora.safetensors",
        ),
    ],
)  # fmt: skip
def test_an_address_says_where_from_and_where_to(url: str, keys: dict[str, str], dest: str) -> None:
    found = recognise(url)
    assert found.keys == keys
    assert destination(found, "") == dest
    table = parse(with_file(NEW, "x", "MINE", {**found.keys, "dest": dest}), "x")
    assert [file.dest for file in table.bundles[0].files] == [dest]


@pytest.mark.parametrize(
    ("url", "keys", "notes"),
    [
        (
            "https://civitai.com/models/12/a-name?modelVersionId=345",
            {"source": "civitai", "version_id": "345"},
            0,
        ),
        ("https://civitai.com/api/download/models/345", {"source": "civitai", "version_id": "345"}, 0),
        (
            "https://civitai.com/api/download/models/345?token=s3cret",
            {"source": "civitai", "version_id": "345"},
            1,
        ),
        (
            "https://civitai.com/api/download/models/345?type=VAE&token=s3cret",
            {"source": "url", "url": "https://civitai.com/api/download/models/345?type=VAE"},
            1,
        ),
    ],
)
def test_civitai_and_no_token_is_kept(url: str, keys: dict[str, str], notes: int) -> None:
    found = recognise(url)
    assert (found.keys, len(found.notes)) == (keys, notes)
    assert "s3cret" not in str(found)
    with pytest.raises(NotAnAddress, match="does not tell the file's name: give --dest loras/NAME"):
        destination(found, "loras/")
    assert destination(found, "loras/a.safetensors") == "loras/a.safetensors"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("loras/x.safetensors", "begin with https"),
        ("https://me:s3cret@example.com/x", "login"),
        ("https://huggingface.co/o/r", "repository, not a file"),
        ("https://civitai.com/models/12", "choose a version"),
    ],
)
def test_what_is_no_file_says_what_to_do(url: str, words: str) -> None:
    with pytest.raises(NotAnAddress, match=words) as caught:
        recognise(url)
    assert "s3cret" not in str(caught.value)


def test_a_kind_that_cannot_be_told_is_asked_for() -> None:
    found = recognise("https://example.com/thing.safetensors")
    with pytest.raises(NotAnAddress, match="give --dest FOLDER/ "):
        destination(found, "")
    assert destination(found, "model_patches/") == "model_patches/thing.safetensors"


def test_a_mirror_of_the_hub_is_the_hub() -> None:
    assert recognise("https://mirror.example/o/r/resolve/main/a.bin", "https://mirror.example").keys["repo_id"] == "o/r"


TEXT = """# mine
schema = 1   # the format

[bundles.MINE]
about = "x"

# the first
[[files]]
bundle = "MINE"
source = "url"
url = "https://example.com/a"
dest = "loras/a"
# a word about the second
[[files]]
bundle = "MINE"
source = "url"
url = "https://example.com/b"
dest = "loras/b"
"""


def test_all_the_user_wrote_stays() -> None:
    more = with_file(TEXT, "x", "OTHER", {"source": "url", "url": "https://example.com/c", "dest": "loras/c"})
    assert more.startswith(TEXT)
    (file,) = [file for bundle in parse(more, "x").bundles if bundle.name == "OTHER" for file in bundle.files]
    back = without_file(more, "x", file)
    assert back.startswith(TEXT)
    assert "loras/c" not in back


def test_one_is_taken_out_and_the_next_ones_comment_is_left() -> None:
    first = parse(TEXT, "x").bundles[0].files[0]
    less = without_file(TEXT, "x", first)
    assert "loras/a" not in less
    assert "# mine\nschema = 1   # the format" in less
    assert "# a word about the second\n[[files]]" in less


@pytest.mark.parametrize(
    "text",
    [
        "schema = 1\nfiles = []\nbundles = { MINE = {} }\n",
        'schema = 1\n[bundles.MINE]\n[[files]]\nbundle = "MINE"\nsource = "url"\nurl = "https://e.com/c"\n'
        'dest = "loras/c"\n',
    ],
    ids=["inline", "the same place twice"],
)
def test_what_cannot_be_added_is_refused(text: str) -> None:
    with pytest.raises(BadManifest):
        with_file(text, "x", "MINE", {"source": "url", "url": "https://example.com/c", "dest": "loras/c"})


def test_an_inline_table_is_not_cut_apart() -> None:
    file = 'bundle="MINE", source="url", url="https://e.com/c", dest="c"'
    text = f"schema = 1\nbundles = {{MINE = {{}}}}\nfiles = [{{{file}}}]\n"
    with pytest.raises(BadManifest, match="by hand"):
        without_file(text, "x", parse(text, "x").bundles[0].files[0])
