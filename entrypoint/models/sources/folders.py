"""P: ComfyUI's model folders: where a recognised file belongs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from entrypoint.models.sources.base import Found, NotAnAddress

#: ComfyUI's folder -> words that say that a file belongs there. The first match counts.
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
#: Bytes of a name (NAME_MAX).
_LONGEST_NAME = 255
#: Parts of a model; the largest ones have about 160.
_MOST_PARTS = 200


def destination(found: Found, wanted: str) -> str:
    """Path below the models folder.

    `wanted`: `--dest`: a path, a folder with a slash at its end, or "". Raises NotAnAddress: the address does not say
    enough; the message says what to give.
    """
    if wanted and not wanted.endswith("/"):
        return _checked(wanted)
    folder = wanted.rstrip("/") or folder_of(found.words)
    if not folder:
        known = ", ".join(FOLDERS)
        name = "" if found.name else "NAME.safetensors"  # both in one message, so that the second try is right
        raise NotAnAddress(f"cannot tell the kind of model: give --dest FOLDER/{name} (ComfyUI knows {known})")
    if not found.name:
        raise NotAnAddress(f"the address does not contain the file's name: give --dest {folder}/NAME.safetensors")
    return _checked(f"{folder}/{found.name}")


def parts_of(keys: Mapping[str, str]) -> list[dict[str, str]]:
    """The keys of each file of a set, where `dest` and the address end with the same `-00001-of-00003.<ending>` (the
    Hugging Face hub's name for the parts of a model); else those of the one file."""
    place = "path" if "path" in keys else "url"
    found = re.search(r"-(\d{5})-of-(\d{5})\.[a-z]+$", keys["dest"])
    count = int(found[2]) if found else 1
    if not found or found[0] not in keys.get(place, "") or not 1 < count <= _MOST_PARTS:
        return [dict(keys)]
    endings = [found[0].replace(found[1], f"{number:05}", 1) for number in range(1, count + 1)]
    changes = [{key: keys[key].replace(found[0], ending) for key in (place, "dest")} for ending in endings]
    return [{**keys, **change} for change in changes]


def _checked(dest: str) -> str:
    if any(len(name.encode()) > _LONGEST_NAME for name in dest.split("/")):
        raise NotAnAddress(f"no disk takes a name of more than {_LONGEST_NAME} bytes: give --dest FOLDER/NAME")
    return dest


def folder_of(words: str) -> str:
    """ComfyUI's folder for a file with these words in its path; "": they do not say."""
    lowered = words.lower()
    for folder in FOLDERS:  # a part of the path that is ComfyUI's own name for it
        if folder in lowered.split("/"):
            return folder
    tokens = set(re.split(r"[^a-z0-9]+", lowered)) | set(re.split(r"[/.]", lowered))
    return next((folder for folder, hints in FOLDERS.items() if tokens & set(hints)), "")
