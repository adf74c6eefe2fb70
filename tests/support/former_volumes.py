"""Volumes in the layouts that other templates leave, made by hand, and what is on them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from entrypoint.settings.paths import Paths

#: What a template's folders hold, by the folder.
CONTENT = {
    "models": ("checkpoints/base.safetensors", "loras/style.safetensors", "vae/deep/down/vae.safetensors"),
    "input": ("photo.png",),
    "output": ("video/first.mp4", "picture.png"),
    "custom_nodes": ("Node/__init__.py", "Node/requirements.txt", "single.py"),
    "user": ("default/workflows/mine.json", "default/comfy.settings.json"),
}


def paths_of(volume: Path) -> Paths:
    """Those of a pod whose volume is at `volume`."""
    base = volume.parent
    return Paths(
        data=f"{base}/comfyui", stored=f"{volume}/comfyui", volume=str(volume), log="", home=f"{base}/home",
        runtime=f"{base}/run", python="", kept_secrets="", models_state="", packages="/nonexistent/packages",
    )  # fmt: skip


def write(path: Path, text: str = "") -> None:
    """Write a file whose content is its own path, or `text`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or str(path))


def fill(top: Path, *names: str) -> None:
    """Put files, a relative link and an absolute one into the folders `names` of `top`."""
    for name in names:
        for file in CONTENT[name]:
            write(top / name / file)
    if "models" in names:
        write(top / "shared/big.safetensors")
        os.symlink("../../shared/big.safetensors", top / "models/loras/relative.safetensors")
        os.symlink(top / "shared/big.safetensors", top / "models/loras/absolute.safetensors")
        os.symlink("style.safetensors", top / "models/loras/beside.safetensors")
    if "custom_nodes" in names:
        write(top / "sources/Linked/__init__.py")
        os.symlink("../sources/Linked", top / "custom_nodes/Linked")


def environment(folder: Path) -> None:
    """A virtual environment, as far as files name it."""
    write(folder / "pyvenv.cfg", "home = /usr/bin")
    write(folder / "lib/python3.11/site-packages/torch/__init__.py")


def clone(top: Path, venv: str) -> None:
    """A clone of ComfyUI with everything in it."""
    write(top / "main.py")
    fill(top, *CONTENT)
    environment(top / venv)


def of_runpod(volume: Path, venv: str = ".venv") -> None:
    """RunPod's own template."""
    clone(volume / "runpod-slim/ComfyUI", venv)
    write(volume / "runpod-slim/comfyui_args.txt")
    write(volume / "runpod-slim/filebrowser.db")


def of_the_ancestor(volume: Path) -> None:
    """The template that this project began as."""
    fill(volume, "models", "input", "output")


def with_linked_models(volume: Path) -> None:
    """The ancestor's, with models on another folder of the volume."""
    of_the_ancestor(volume)
    os.rename(volume / "models", volume / "storage")
    os.symlink("storage", volume / "models")


@dataclass(frozen=True)
class Layout:
    """A kind of volume.

    Attributes:
        make: Makes it in an empty folder.
        tops: Folder of ComfyUI's -> the folder of the volume that it is in.
        environment: The old virtual environment, below the volume, or "".
    """

    make: Callable[[Path], None]
    tops: dict[str, str]
    environment: str = ""


_RUNPOD = "runpod-slim/ComfyUI"
_OF_THE_ANCESTOR = dict.fromkeys(("models", "input", "output"), ".")
LAYOUTS = {
    "runpod-cu128": Layout(
        lambda volume: of_runpod(volume, ".venv-cu128"), dict.fromkeys(CONTENT, _RUNPOD), f"{_RUNPOD}/.venv-cu128"
    ),
    "runpod": Layout(of_runpod, dict.fromkeys(CONTENT, _RUNPOD), f"{_RUNPOD}/.venv"),
    "ancestor": Layout(of_the_ancestor, _OF_THE_ANCESTOR),
    "linked-models": Layout(with_linked_models, _OF_THE_ANCESTOR),
    "clone": Layout(
        lambda volume: clone(volume / "ComfyUI", "venv"), dict.fromkeys(CONTENT, "ComfyUI"), "ComfyUI/venv"
    ),
}


@dataclass(frozen=True)
class Seen:
    """A file: where it is on the disk, and what is in it; or a link: its text, and the file that it leads to."""

    inode: int
    text: str
    digest: str


def contents(top: Path) -> dict[str, Seen]:
    """Every file and link below `top`; the pod's own data folder apart."""
    found = {}
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if Path(folder, name) != top / "comfyui"]
        for name in [*names, *(each for each in folders if Path(folder, each).is_symlink())]:
            path = Path(folder, name)
            text = os.readlink(path) if path.is_symlink() else ""
            found[str(path.relative_to(top))] = Seen(path.lstat().st_ino, text, _digest(path))
    return found


def _digest(path: Path) -> str:
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return f"folder {path.stat().st_ino}" if path.is_dir() else "leads nowhere"


def listed(folder: Path) -> set[str]:
    """Every file below a folder, as a program finds it that follows links."""
    return {
        os.path.relpath(os.path.join(above, name), folder)
        for above, _, names in os.walk(folder, followlinks=True)
        for name in names
    }
