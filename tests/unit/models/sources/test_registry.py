"""Addresses as people copy them, and what the registry derives from its rows."""

from __future__ import annotations

import pytest

from entrypoint.models.catalogue.edit import NEW, with_file
from entrypoint.models.catalogue.manifest import parse
from entrypoint.models.sources.base import NotAnAddress
from entrypoint.models.sources.folders import destination
from entrypoint.models.sources.pasted import one_file
from entrypoint.models.sources.registry import SOURCES, configured, login_remedy
from entrypoint.models.sources.tokens import VARIABLES
from entrypoint.settings.settings import Settings, secret_variables

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
            "https://huggingface.co/gpt2/resolve/main/vae/x.safetensors",
            {"source": "huggingface", "repo_id": "gpt2", "path": "vae/x.safetensors"},
            "vae/x.safetensors",
        ),
        (
            HF + "resolve/refs/pr/1/vae/x.safetensors",
            {"source": "huggingface", "repo_id": "Comfy-Org/Wan_2.2", "path": "vae/x.safetensors",
             "revision": "refs/pr/1"},
            "vae/x.safetensors",
        ),
        (
            "https://huggingface.co/datasets/o/n/blob/main/loras/x.safetensors",
            {"source": "url", "url": "https://huggingface.co/datasets/o/n/resolve/main/loras/x.safetensors"},
            "loras/x.safetensors",
        ),
        (
            "https://www.dropbox.com/scl/fi/1/lora.safetensors?rlkey=2&dl=0",
            {"source": "url", "url": "https://www.dropbox.com/scl/fi/1/lora.safetensors?rlkey=2&dl=1"},
            "loras/lora.safetensors",
        ),
        (
            "https://example.com/files/flux-lora.safetensors",
            {"source": "url", "url": "https://example.com/files/flux-lora.safetensors"},
            "loras/flux-lora.safetensors",
        ),
    ],
)  # fmt: skip
def test_an_address_gives_source_and_destination(url: str, keys: dict[str, str], dest: str) -> None:
    found = one_file(url)
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
def test_a_token_in_civitais_address_is_not_kept(url: str, keys: dict[str, str], notes: int) -> None:
    found = one_file(url)
    assert (found.keys, len(found.notes)) == (keys, notes)
    assert "s3cret" not in str(found)
    with pytest.raises(NotAnAddress, match="does not contain the file's name: give --dest loras/NAME"):
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
def test_an_address_of_no_file_says_what_to_do(url: str, words: str) -> None:
    with pytest.raises(NotAnAddress, match=words) as caught:
        one_file(url)
    assert "s3cret" not in str(caught.value)


def test_a_model_of_unknown_kind_needs_a_folder() -> None:
    found = one_file("https://example.com/thing.safetensors")
    with pytest.raises(NotAnAddress, match="give --dest FOLDER/ "):
        destination(found, "")
    assert destination(found, "model_patches/") == "model_patches/thing.safetensors"


def test_a_mirror_of_the_hub_is_the_hub() -> None:
    mirrored = configured(Settings(hf_endpoint="https://mirror.example"))
    assert one_file("https://mirror.example/o/r/resolve/main/a.bin", mirrored).keys["repo_id"] == "o/r"


def test_each_row_is_whole() -> None:
    """A name of its own, checked keys; where there is a token: an address, a secret setting, a remedy that names it."""
    assert len({source.name for source in SOURCES}) == len(SOURCES)
    for source in SOURCES:
        assert source.keys
        assert bool(source.login_variable) == bool(source.home) == bool(source.login_remedy)
        assert source.login_variable in source.login_remedy
    assert set(VARIABLES) <= set(secret_variables())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://huggingface.co/o/r/resolve/main/a", "set HF_TOKEN"),
        ("https://civitai.com/api/download/models/1?type=VAE", "set CIVITAI_TOKEN"),
        ("https://api.github.com/repos", "set GITHUB_TOKEN"),
        ("https://example.com/a", "no login for this site"),
    ],
)
def test_a_login_is_asked_for_by_the_site_of_the_address(url: str, words: str) -> None:
    assert words in login_remedy(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://civitai.red/models/1/z?modelVersionId=2", "https://civitai.com/model-versions/2",
        "https://civitai.com/api/v1/model-versions/2", "https://civitai.com/api/download/models/2",
        "https://www.civitai.com/models/1?modelVersionId=2",
    ],
)  # fmt: skip
def test_every_address_of_a_version_of_civitai_is_that_version(url: str) -> None:
    assert one_file(url).keys == {"source": "civitai", "version_id": "2"}


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/o/r/releases/tag/v1", "https://github.com/o/r/releases", "https://github.com/o/r",
        "https://github.com/o/r/tree/main/models", "https://huggingface.co/gpt2", "https://civitai.com/models/1",
        "https://huggingface.co/collections/o/n-1", "https://huggingface.co/datasets/o/n",
        "https://huggingface.co/o/n/tree/main", "https://drive.google.com/file/d/1/view?usp=sharing",
        "https://1drv.ms/u/s!A", "https://x-my.sharepoint.com/:u:/g/1",
    ],
)  # fmt: skip
def test_a_page_is_no_file(url: str) -> None:
    with pytest.raises(NotAnAddress, match=r"not a file|choose a version|by hand"):
        one_file(url)


def test_a_download_of_civitai_says_all_that_is_missing_at_once() -> None:
    found = one_file("https://civitai.com/api/download/models/2?type=Model&format=SafeTensor")
    with pytest.raises(NotAnAddress, match=r"give --dest FOLDER/NAME\.safetensors"):
        destination(found, "")
