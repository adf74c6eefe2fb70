"""A: ComfyUI's data folders, and the link from `/comfyui` to the volume's folder.

No file of the user's is ever removed or replaced: a non-empty folder at the link's path stays and is reported.
"""

from __future__ import annotations

import os

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.settings.paths import Paths
from entrypoint.settings.users import Identity
from entrypoint.system.folders import open_folder

#: Folders that ComfyUI reads and writes below its base directory. Without `custom_nodes` it exits 1 at start.
FOLDERS = ("models", "input", "output", "custom_nodes", "user", "user/default/workflows", "temp")
#: Folders for models; folder_paths.py of ComfyUI 0.3.64 and 0.29.
MODEL_FOLDERS = (
    "checkpoints", "clip", "clip_vision", "configs", "controlnet", "diffusers", "diffusion_models", "embeddings",
    "gligen", "hypernetworks", "latent_upscale_models", "loras", "photomaker", "style_models", "text_encoders",
    "unet", "upscale_models", "vae", "vae_approx",
)  # fmt: skip
#: Those whose files ComfyUI finds in an extra_model_paths.yaml, too: for MODELS_CACHE=local. Not folders of whole
#: repositories (`diffusers`), and none that only custom nodes know, which look below `models` alone.
LOCAL_MODEL_FOLDERS = tuple(name for name in MODEL_FOLDERS if name not in ("configs", "diffusers", "vae_approx"))
#: JupyterLab can't open a folder called `checkpoints`: its URL is that of Jupyter's own checkpoints
#: (jupyterlab issue 12408). This link beside it leads to the same folder.
CHECKPOINTS_LINK = "checkpoint_models"


def make_data_folder(paths: Paths, service: Identity) -> None:
    """Make the data folder and the link to it, which other users than root cannot make.

    Raises:
        CannotDo: One of them could not be made.
    """
    problems = [_make_folder(paths.stored) if service.uid == os.geteuid() else _make_folder_by_root(paths.stored)]
    if paths.data != paths.stored:
        problems.append(_link(paths.data, paths.stored))
    _raise_if_any(problems)


def make_first_folders(paths: Paths) -> None:
    """Make what ComfyUI needs to start, as the services' user; it reports itself what it cannot write."""
    for name in FOLDERS:
        _make_folder(f"{paths.data}/{name}")


def lay_out(paths: Paths) -> None:
    """Make every missing folder and link in the data folder, as the services' user.

    In the background (`[program:volumes]`): on a volume with 50 ms a call it takes 6 s, and JupyterLab needs none.

    Raises:
        CannotDo: Some could not be made; the others were.
    """
    base = paths.data
    problems = [_make_folder(f"{base}/{name}") for name in FOLDERS]
    existing = _names(f"{base}/models")
    problems += [_make_folder(f"{base}/models/{name}") for name in MODEL_FOLDERS if name not in existing]
    if CHECKPOINTS_LINK not in existing and (problem := _link(f"{base}/models/{CHECKPOINTS_LINK}", "checkpoints")):
        print(f"podkeeper: {problem}: JupyterLab cannot show models/checkpoints; all else works", flush=True)
    _raise_if_any(problems)


def _raise_if_any(problems: list[str | None]) -> None:
    reasons = [problem for problem in problems if problem]
    if reasons:
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        remedy = "check the volume with `ls -ld` and `df`; ComfyUI needs these folders, JupyterLab runs without them"
        raise CannotDo(Condition("DataFolderNotReady", reasons[0] + more, remedy))


def _make_folder(path: str) -> str | None:
    try:
        if not os.path.isdir(path):
            os.makedirs(path)
    except OSError as error:
        return f"cannot make {path}: {error.strerror}"
    return None


def _make_folder_by_root(path: str) -> str | None:
    try:
        os.close(open_folder(path, make=0o755).descriptor)
    except OSError as error:
        return f"cannot make {path}: {error.strerror}"
    return None


def _link(path: str, target: str) -> str | None:
    """Make `path` a link to `target`, in place of an empty folder; returns the problem with anything else there."""
    if os.path.islink(path) and os.readlink(path) == target:
        return None
    temporary = f"{path}.{os.urandom(6).hex()}.tmp"  # never the pid, which is 1 in every container
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)  # refuses a folder that is not empty
        elif os.path.lexists(path) and not os.path.islink(path):
            return f"cannot link {path} to {target}: a file is in the way"
        os.symlink(target, temporary)
        os.rename(temporary, path)
    except OSError as error:
        return f"cannot link {path} to {target}: {error.strerror}"
    return None


def _names(folder: str) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()
