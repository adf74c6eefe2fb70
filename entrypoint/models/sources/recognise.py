"""P: an address as people copy it from a browser -> where the file comes from and where ComfyUI looks for it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

#: ComfyUI's folder -> words that tell that a file belongs there. The first that matches counts.
FOLDERS: dict[str, tuple[str, ...]] = {
    "loras": ("lora", "loras", "lycoris"),
    "controlnet": ("controlnet", "control"),
    "clip_vision": ("clip_vision", "clip-vision", "image_encoder"),
    "text_encoders": ("text_encoders", "text_encoder", "clip", "t5", "umt5"),
    "vae": ("vae", "ae"),
    "upscale_models": ("upscale_models", "upscale", "upscaler", "esrgan", "4x", "2x"),
    "embeddings": ("embeddings", "embedding", "textual_inversion"),
    "diffusion_models": ("diffusion_models", "unet", "transformer", "gguf"),
    "checkpoints": ("checkpoints", "checkpoint", "ckpt"),
}
_HUB = re.compile(r"/([^/]+/[^/]+)/(?:resolve|blob|raw)/([^/]+)/(.+)")
_ASSET = re.compile(r"/([^/]+/[^/]+)/releases/download/([^/]+)/([^/]+)")
_BLOB = re.compile(r"/([^/]+/[^/]+)/blob/(.+)")
_VERSION = re.compile(r"/api/download/models/(\d+)")


class NotAnAddress(Exception):
    """Nothing can be made of it; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an address says.

    Attributes:
        keys: Of the manifest's `[[files]]`: source and what it needs.
        name: The file's name, or "" where the address does not tell it.
        words: What its kind may be told from.
        notes: What the user should know.
    """

    keys: dict[str, str]
    name: str
    words: str
    notes: tuple[str, ...] = field(default=())


def recognise(url: str, hub: str = "https://huggingface.co") -> Found:
    """Read an address.

    Args:
        url: A page or a download at Hugging Face, Civitai or GitHub, or any file's address.
        hub: HF_ENDPOINT.

    Raises:
        NotAnAddress: See there.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise NotAnAddress("it must begin with https://")
    if parts.username or parts.password:
        raise NotAnAddress("take the login out of the address: manifests are no place for secrets")
    host, path = parts.hostname.removeprefix("www."), parts.path
    if host in ("huggingface.co", "hf.co", urlsplit(hub).hostname) and not path.startswith(("/datasets/", "/spaces/")):
        return _hub(path)
    if host == "civitai.com":
        return _civitai(url, path, parse_qs(parts.query))
    if host == "github.com" and (found := _ASSET.fullmatch(path)):
        repo, tag, asset = (unquote(part) for part in found.groups())
        return Found({"source": "github_release", "repo_id": repo, "revision": tag, "path": asset}, asset, path)
    if host == "github.com" and (found := _BLOB.fullmatch(path)):
        url = f"https://github.com/{found[1]}/raw/{found[2]}"
    return Found({"source": "url", "url": url.strip()}, unquote(path.rpartition("/")[2]), path)


def _hub(path: str) -> Found:
    found = _HUB.fullmatch(path)
    if not found:
        raise NotAnAddress("it is a repository, not a file: open the file under `Files` and copy that address")
    repo, revision, file = (unquote(part) for part in found.groups())
    keys = {"source": "huggingface", "repo_id": repo, "path": file}
    if revision != "main":
        keys["revision"] = revision
    return Found(keys, file.rpartition("/")[2], f"{repo}/{file}")


def _civitai(url: str, path: str, query: dict[str, list[str]]) -> Found:
    notes = ("the token in the address is not kept: set CIVITAI_TOKEN",) if "token" in query else ()
    if found := _VERSION.fullmatch(path):
        if set(query) - {"token"}:  # which of the version's files
            kept = "&".join(part for part in urlsplit(url).query.split("&") if not part.startswith("token="))
            return Found({"source": "url", "url": f"https://civitai.com{path}?{kept}"}, "", path, notes)
        return Found({"source": "civitai", "version_id": found[1]}, "", path, notes)
    version = query.get("modelVersionId", [""])[0]
    if not version.isdigit():
        raise NotAnAddress("choose a version on the model's page: its address then ends with ?modelVersionId=...")
    return Found({"source": "civitai", "version_id": version}, "", path, notes)


def destination(found: Found, wanted: str) -> str:
    """Path below the models folder.

    Args:
        found: What the address says.
        wanted: `--dest`: a path, a folder with a slash at its end, or "".

    Raises:
        NotAnAddress: It can't be told; the message says what to give.
    """
    if wanted and not wanted.endswith("/"):
        return wanted
    folder = wanted.rstrip("/") or _folder(found.words)
    if not folder:
        raise NotAnAddress(
            f"what kind of model it is can't be told: give --dest FOLDER/ (ComfyUI knows {', '.join(FOLDERS)})"
        )
    if not found.name:
        raise NotAnAddress(f"the address does not tell the file's name: give --dest {folder}/NAME.safetensors")
    return f"{folder}/{found.name}"


def _folder(words: str) -> str:
    lowered = words.lower()
    for folder in FOLDERS:  # a part of the path that is ComfyUI's own name for it
        if folder in lowered.split("/"):
            return folder
    tokens = set(re.split(r"[^a-z0-9]+", lowered)) | set(re.split(r"[/.]", lowered))
    return next((folder for folder, told in FOLDERS.items() if tokens & set(told)), "")
