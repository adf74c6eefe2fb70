"""What people paste (docs/models.md): each shape is read, or refused with what to paste instead."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from entrypoint.models.sources.base import Found, NotAnAddress, Question
from entrypoint.models.sources.pasted import one_file, read, shown
from entrypoint.models.sources.registry import configured
from entrypoint.settings.settings import Settings

HUB = "https://huggingface.co"


def hub(path: str = "vae/x.safetensors", repo: str = "o/r", **more: str) -> dict[str, str]:
    return {"source": "huggingface", "repo_id": repo, "path": path, **more}


def plain(url: str) -> dict[str, str]:
    return {"source": "url", "url": url}


REFS = {"revision": "refs/pr/1"}
FILES: list[tuple[str, dict[str, str]]] = [
    # The hub's pages and downloads.
    (f"{HUB}/o/r/resolve/main/vae/x.safetensors", hub()),
    (f"{HUB}/o/r/resolve/main/vae/x.safetensors?download=true", hub()),
    (f"{HUB}/o/r/blob/main/vae/x.safetensors", hub()),
    (f"{HUB}/o/r/raw/main/vae/x.safetensors", hub()),
    (f"{HUB}/o/r/blob/main/vae/x.safetensors#L10", hub()),
    (f"{HUB}//o/r/blob/main/vae/x.safetensors", hub()),
    (f"{HUB}/o/r/resolve/refs/pr/1/vae/x.safetensors", hub(**REFS)),
    (f"{HUB}/o/r/blob/refs%2Fpr%2F1/vae/x.safetensors", hub(**REFS)),
    (f"{HUB}/o/r/resolve/feature%2Fnew/vae/x.safetensors", hub(revision="feature/new")),
    (f"{HUB}/o/r/resolve/0123abc/vae/x.safetensors", hub(revision="0123abc")),
    (f"{HUB}/gpt2/resolve/main/model.safetensors", hub("model.safetensors", "gpt2")),
    ("https://hf.co/o/r/blob/main/vae/x.safetensors", hub()),
    (f"{HUB}/o/r/resolve/main/my%20file.gguf", hub("my file.gguf")),
    (f"{HUB}/datasets/o/r/blob/main/x.safetensors", plain(f"{HUB}/datasets/o/r/resolve/main/x.safetensors")),
    (f"{HUB}/spaces/o/r/resolve/main/x.pt", plain(f"{HUB}/spaces/o/r/resolve/main/x.pt")),
    # Without a scheme, or with the hub's own.
    ("huggingface.co/o/r/resolve/main/vae/x.safetensors", hub()),
    ("www.huggingface.co/o/r/resolve/main/vae/x.safetensors", hub()),
    ("HTTPS://huggingface.co/o/r/resolve/main/vae/x.safetensors", hub()),
    ("hf://o/r/vae/x.safetensors", hub()),
    ("hf://o/r@main/vae/x.safetensors", hub()),
    ("hf://o/r@0123abc/vae/x.safetensors", hub(revision="0123abc")),
    ("hf://o/r@refs%2Fpr%2F1/vae/x.safetensors", hub(**REFS)),
    ("hf://datasets/o/r/x.safetensors", plain(f"{HUB}/datasets/o/r/resolve/main/x.safetensors")),
    ("o/r/vae/x.safetensors", hub()),
    ("Comfy-Org/Wan_2.2/vae/x.safetensors", hub(repo="Comfy-Org/Wan_2.2")),
    ("o/r/resolve/main/vae/x.safetensors", hub()),
    # Commands.
    ("huggingface-cli download o/r vae/x.safetensors", hub()),
    ("hf download o/r vae/x.safetensors --local-dir models/vae --revision 0123abc", hub(revision="0123abc")),
    ("hf download o/r vae/x.safetensors --revision=refs/pr/1", hub(**REFS)),
    ("$ huggingface-cli download o/r \\\n  vae/x.safetensors \\\n  --local-dir .", hub()),
    ("HF_TOKEN=hf_x hf download o/r vae/x.safetensors", hub()),
    ("hf download --repo-type dataset o/r x.pt", plain(f"{HUB}/datasets/o/r/resolve/main/x.pt")),
    (f"wget -c '{HUB}/o/r/resolve/main/vae/x.safetensors' -O x.safetensors", hub()),
    (f"curl -L {HUB}/o/r/resolve/main/vae/x.safetensors?download=true --output x", hub()),
    # What stands around an address.
    (f"  {HUB}/o/r/resolve/main/vae/x.safetensors \n", hub()),
    (f'"{HUB}/o/r/resolve/main/vae/x.safetensors"', hub()),
    (f"'{HUB}/o/r/resolve/main/vae/x.safetensors',", hub()),
    (f"`{HUB}/o/r/resolve/main/vae/x.safetensors`", hub()),
    (f"<{HUB}/o/r/resolve/main/vae/x.safetensors>", hub()),
    (f"({HUB}/o/r/resolve/main/vae/x.safetensors).", hub()),
    (f"{HUB}/o/r/resolve/main/vae/x.safetensors;", hub()),
    (f"\u201c{HUB}/o/r/resolve/main/vae/x.safetensors\u201d", hub()),
    (f"\ufeff{HUB}/o/r/resolve/main/vae/x.safetensors\u200b", hub()),
    (f"[the VAE]({HUB}/o/r/resolve/main/vae/x.safetensors)", hub()),
    (f'[the VAE]({HUB}/o/r/resolve/main/vae/x.safetensors "title")', hub()),
    (f"[{HUB}/o/r]({HUB}/o/r/resolve/main/x(1).pt)", hub("x(1).pt")),
    (f"see {HUB}/o/r/resolve/main/vae/x.safetensors.", hub()),
    ("https://h.example/a b.pt", plain("https://h.example/a b.pt")),
    # GitHub.
    ("https://github.com/o/r/releases/download/v1/x.pth",
     {"source": "github_release", "repo_id": "o/r", "revision": "v1", "path": "x.pth"}),
    ("https://github.com/o/r/blob/main/m/x.pth", plain("https://github.com/o/r/raw/main/m/x.pth")),
    ("https://github.com/o/r/raw/main/m/x.pth", plain("https://github.com/o/r/raw/main/m/x.pth")),
    ("https://raw.githubusercontent.com/o/r/main/m/x.pth", plain("https://github.com/o/r/raw/main/m/x.pth")),
    ("https://raw.githubusercontent.com/o/r/refs/heads/main/x.pth",
     plain("https://github.com/o/r/raw/refs/heads/main/x.pth")),
    ("https://github.com/o/r/releases/latest/download/x.pth",
     plain("https://github.com/o/r/releases/latest/download/x.pth")),
    # Others.
    ("https://www.dropbox.com/s/1/x.pt?dl=0", plain("https://www.dropbox.com/s/1/x.pt?dl=1")),
    ("https://www.dropbox.com/scl/fi/1/x.pt?rlkey=2&st=3&dl=0",
     plain("https://www.dropbox.com/scl/fi/1/x.pt?rlkey=2&st=3&dl=1")),
    ("https://dropbox.com/s/1/x.pt", plain("https://dropbox.com/s/1/x.pt?dl=1")),
    ("https://modelscope.cn/models/o/r/resolve/master/vae/x.pt",
     plain("https://modelscope.cn/models/o/r/resolve/master/vae/x.pt")),
    ("https://www.modelscope.cn/models/o/r/file/view/master/vae/x.pt?status=2",
     plain("https://www.modelscope.cn/models/o/r/resolve/master/vae/x.pt")),
    ("h.example/x.pt", plain("https://h.example/x.pt")),
    ("http://h.example:8080/x.pt", plain("http://h.example:8080/x.pt")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "keys"), FILES, ids=[text for text, _ in FILES])
def test_one_file(text: str, keys: dict[str, str]) -> None:
    found = read(text)
    assert isinstance(found, Found)
    assert found.keys == keys


def repository(repo: str = "o/r", revision: str = "main", folder: str = "") -> dict[str, str]:
    return {"repo_id": repo, "revision": revision, "folder": folder}


SEVERAL: list[tuple[str, str, dict[str, str], tuple[str, ...]]] = [
    (f"{HUB}/o/r", "repository", repository(), ()),
    (f"{HUB}/o/r/", "repository", repository(), ()),
    (f"{HUB}/o/r/tree/main", "repository", repository(), ()),
    (f"{HUB}/o/r/tree/main/split_files/vae", "repository", repository(folder="split_files/vae"), ()),
    (f"{HUB}/o/r/tree/refs%2Fpr%2F1/vae/", "repository", repository(revision="refs/pr/1", folder="vae"), ()),
    (f"{HUB}/o/r/tree/refs/pr/1/vae", "repository", repository(revision="refs/pr/1", folder="vae"), ()),
    (f"{HUB}/gpt2", "repository", repository("gpt2"), ()),
    (f"{HUB}/api/models/o/r", "repository", repository(), ()),
    ("hf.co/o/r", "repository", repository(), ()),
    ("o/r", "repository", repository(), ()),
    ("o/r@v1.0", "repository", repository(revision="v1.0"), ()),
    ("hf://o/r", "repository", repository(), ()),
    ("hf://o/r@refs%2Fpr%2F1", "repository", repository(revision="refs/pr/1"), ()),
    ("hf://o/r/split_files/vae", "repository", repository(folder="split_files/vae"), ()),
    ("o/r/vae/", "repository", repository(folder="vae"), ()),
    ("o/r:Q4_K_M", "repository", repository(), ("*Q4_K_M*",)),
    ("hf download o/r", "repository", repository(), ()),
    ("hf download o/r a.safetensors b.safetensors", "repository", repository(), ("a.safetensors", "b.safetensors")),
    ("huggingface-cli download o/r --include '*fp8*' '*.json' --exclude x", "repository", repository(),
     ("*fp8*", "*.json", "!x")),
    ("hf download o/r vae/", "repository", repository(), ("vae/*",)),
    (f"git clone {HUB}/o/r", "repository", repository(), ()),
    (f"GIT_LFS_SKIP_SMUDGE=1 git clone {HUB}/o/r", "repository", repository(), ()),
    (f"{HUB}/o/r/blob/main/te/model.safetensors.index.json", "index",
     {"repo_id": "o/r", "revision": "main", "index": "te/model.safetensors.index.json"}, ()),
    (f"{HUB}/collections/o/some-models-0123abc", "collection", {"slug": "o/some-models-0123abc"}, ()),
    ("https://civitai.com/models/12", "model", {"model": "12"}, ()),
    ("https://civitai.com/models/12/a-name", "model", {"model": "12"}, ()),
    ("https://civitai.red/models/12", "model", {"model": "12"}, ()),
    ("https://civitai.com/models/12/a-name?modelVersionId=345", "version", {"version": "345"}, ()),
    ("https://civitai.green/models/12?modelVersionId=345", "version", {"version": "345"}, ()),
    ("civitai.com/model-versions/345", "version", {"version": "345"}, ()),
    ("https://civitai.com/api/download/models/345", "version", {"version": "345"}, ()),
    ("https://civitai.com/api/download/models/345?type=Model&format=SafeTensor", "version",
     {"version": "345", "type": "Model", "format": "SafeTensor"}, ()),
    ("urn:air:sdxl:checkpoint:civitai:827184@2514310", "version", {"version": "2514310"}, ()),
    ("air:sdxl:checkpoint:civitai:827184@2514310", "version", {"version": "2514310"}, ()),
    ("sdxl:checkpoint:civitai:827184@2514310+7.safetensor", "version", {"version": "2514310", "fileId": "7"}, ()),
    ("urn:air:sd1:model:civitai:2421", "model", {"model": "2421"}, ()),
    ("civitai:2421@43533", "version", {"version": "43533"}, ()),
    ("urn:air:model:huggingface:o/r", "repository", repository(), ()),
    ("https://github.com/o/r/releases/tag/v1", "release", {"repo_id": "o/r", "tag": "v1"}, ()),
    ("https://github.com/o/r/releases/latest", "release", {"repo_id": "o/r", "tag": ""}, ()),
    ("https://github.com/o/r/releases", "release", {"repo_id": "o/r", "tag": ""}, ()),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "subject", "include"), SEVERAL, ids=[row[0] for row in SEVERAL])
def test_what_its_site_has_to_tell(text: str, kind: str, subject: dict[str, str], include: tuple[str, ...]) -> None:
    found = read(text)
    assert isinstance(found, Question)
    assert (found.kind, found.subject, found.include) == (kind, subject, include)
    assert found.what
    assert found.refusal


REFUSED: list[tuple[str, str]] = [
    ("s3://bucket/x.safetensors", "presigned https"),
    ("gs://bucket/x.safetensors", "storage.googleapis.com"),
    ("magnet:?xt=urn:btih:0123", "torrents are not fetched"),
    ("https://h.example/x.torrent", "torrents are not fetched"),
    ("ftp://h.example/x.pt", "begin with https"),
    ("file:///etc/passwd", "begin with https"),
    ("git@github.com:o/r.git", "begin with https"),
    ("https://drive.google.com/file/d/1/view?usp=sharing", "Google Drive has no address of the file itself"),
    ("https://docs.google.com/uc?id=1", "Google Drive has no"),
    ("https://1drv.ms/u/s!A", "OneDrive has no address of the file itself: download it by hand"),
    ("https://onedrive.live.com/?id=1", "OneDrive has no"),
    ("https://x-my.sharepoint.com/:u:/g/1", "SharePoint has no"),
    ("https://mega.nz/file/1#key", "Mega has no"),
    ("https://we.tl/t-1", "WeTransfer has no"),
    ("https://wetransfer.com/downloads/1", "WeTransfer has no"),
    ("https://www.mediafire.com/file/1/x.safetensors/file", "MediaFire has no"),
    ("https://pan.baidu.com/s/1", "Baidu has no"),
    ("https://www.dropbox.com/scl/fo/1/h?rlkey=2&dl=0", "a folder of Dropbox"),
    (f"{HUB}/datasets/o/r", "it is a dataset, not a file: open the file under `Files`"),
    (f"{HUB}/spaces/o/r", "it is a Space, not a file"),
    ("hf://datasets/o/r", "it is a dataset, not a file"),
    (f"{HUB}/models?search=wan", "it is a page, not a file: open a model"),
    (f"{HUB}/papers/2307.09288", "it is a page, not a file"),
    (f"{HUB}/o/r/discussions/1", "it is a page, not a file"),
    (f"{HUB}/", "it is a page, not a file"),
    ("https://cas-bridge.xethub.hf.co/xet-bridge-us/0123?X-Amz-Expires=3600", "which expires: copy the address of"),
    ("https://cdn-lfs.huggingface.co/repos/01/23/x?Expires=1", "which expires"),
    ("https://civitai.com/user/me", "it is a page, not a file: open a model"),
    ("urn:air:other:other:civitai-r2:civitai-worker-assets@x.pth", "begin with https"),
    ("https://github.com/o/r", "copy the address of a file under `Assets`"),
    ("https://github.com/o/r/tree/main/models", "copy the address of a file under `Assets`"),
    ("https://www.modelscope.cn/models/o/r", "a model's page at ModelScope, not a file: open the file"),
    ("https://modelscope.cn/models/o/r/files", "a model's page at ModelScope"),
    ("https://ollama.com/library/qwen3", "Ollama has no"),
    ("ollama://qwen3", "Ollama's registry is not read"),
    ("gpt2", "a repository without an owner is https://huggingface.co/NAME"),
    ("x.safetensors", "begin with https"),
    ("loras/x.safetensors", "begin with https"),
    ("/workspace/models/x.safetensors", "a file that the pod has needs no address"),
    ("./x.safetensors", "needs no address"),
    ("C:\\models\\x.safetensors", "needs no address"),
    ("../../etc/passwd", "needs no address"),
    ("0" * 64, "podkeeper models search 0000"),
    (f"{HUB}/o/r/blob/main/a.pt {HUB}/o/r/blob/main/b.pt", "several addresses: paste one at a time"),
    (f"{HUB}/o/r/blob/main/a.pt\n{HUB}/o/r/blob/main/b.pt", "several addresses"),
    ("the model of my friend", "begin with https"),
    ("hf download", "the command names no repository"),
    ("hf download --local-dir x", "the command names no repository"),
    ("", "begin with https"),
    ("https://", "begin with https"),
    ("https://me:s3cret@h.example/x.pt", "take the login out"),
    ("me:s3cret@h.example/x.pt", "begin with https"),
    ("https://[::1/x", "malformed"),
    ("x" * 5000, "too long"),
    ("[x](javascript:alert(1))", "begin with https"),
    ("https://h.example/x\x1b[2J", "characters that no address has"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), REFUSED, ids=[text[:60] for text, _ in REFUSED])
def test_a_refusal_says_what_to_paste(text: str, words: str) -> None:
    with pytest.raises(NotAnAddress) as caught:
        read(text)
    assert words in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("text", [row[0] for row in SEVERAL])
def test_where_one_file_is_due_several_are_refused(text: str) -> None:
    """A version of Civitai is one file: its name alone is not known."""
    found = read(text)
    assert isinstance(found, Question)
    if found.found:
        assert one_file(text).keys["source"] in ("civitai", "url")
        return
    with pytest.raises(NotAnAddress, match=r"not a file|its first part|choose a version"):
        one_file(text)


@pytest.mark.parametrize("text", ["o/r/x.pt", "https://mirror.example/o/r/blob/main/x.pt", "hf://o/r/x.pt"])
def test_a_mirror_is_the_hub(text: str) -> None:
    sources = configured(Settings(hf_endpoint="https://mirror.example"))
    assert one_file(text, sources).keys == hub("x.pt")


@pytest.mark.parametrize("ending", ["(", "[", "\\", "'", '"', "<", "a/", "@", ":", "-0", " ", "\\\n", "[](", "`", "%"])
def test_a_long_text_takes_no_time(ending: str) -> None:
    for start in ("", "https://h.example/", "urn:air:", "[x]("):
        with contextlib.suppress(NotAnAddress):
            read(start + ending * 4000)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("o/r", "o/r"),
        ("hf download o/r", ""),
        ("me:s3cret@h/x", ""),
        ("https://h/x?token=s3cret", ""),
        ("s3cret", ""),
    ],
)
def test_what_is_shown_of_it(text: str, what: str) -> None:
    assert shown(text) == what


def test_a_token_beside_the_address_is_in_no_result() -> None:
    found: Any = read(f"wget --header='Authorization: Bearer s3cret' {HUB}/o/r/resolve/main/x.pt")
    assert found.keys == hub("x.pt")
    assert "s3cret" not in repr(vars(found))
