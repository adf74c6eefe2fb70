"""A: ComfyUI-Manager's config.ini: writes what `manager` decides, where Manager is installed."""

from __future__ import annotations

import os

from entrypoint.comfyui.manager import config_folders, permitted, restored, restricted, version_in
from entrypoint.conditions.condition import Condition
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_text, write_atomically

#: Name of the copy of the user's file, beside it, from before the login was switched off.
BEFORE = "config.ini.before-comfyui-auth-none"

RESTRICTED = Condition(
    "ManagerRestricted",
    "COMFYUI_AUTH=none: ComfyUI-Manager may not install or update anything (security_level = strong)",
    "unset COMFYUI_AUTH to use it",
)


def apply_security_level(settings: Settings, paths: Paths, *, included: bool) -> list[Condition]:
    """Restrict Manager while ComfyUI has no login; restore the user's own values once it has one, and once a volume
    permit the installations that its own defaults forbid.

    Args:
        settings: The pod's.
        paths: The pod's.
        included: Whether ComfyUI starts the Manager that is installed beside it.
    """
    version = "4.0" if included else _version_of_node(paths)
    if version is None:
        return []
    files = [f"{paths.data}/user/{folder}/config.ini" for folder in config_folders(version)]
    try:
        for file in files:
            if settings.comfyui_auth == "none":
                _restrict(file)
            else:
                _restore(file)
        if settings.comfyui_auth != "none":
            _permit_once(files, f"{paths.models_state}/manager-permitted")
    except OSError as error:
        reason = f"cannot write ComfyUI-Manager's {error.filename}: {error.strerror}"
        return [Condition("ManagerNotSettled", reason, "make it writable, then run: podkeeper restart comfyui")]
    return [RESTRICTED] if settings.comfyui_auth == "none" else []


def _version_of_node(paths: Paths) -> str | None:
    """The version of a Manager that is a custom node, "" for an unknown one, None where there is none."""
    nodes = f"{paths.data}/custom_nodes"
    try:
        names = os.listdir(nodes)
    except OSError:
        names = []
    for name in names:
        if name.lower() == "comfyui-manager":
            return version_in(read_text(f"{nodes}/{name}/pyproject.toml") or "")
    return None


def _permit_once(files: list[str], mark: str) -> None:
    """Permit installations; a later choice of the user's stays."""
    if os.path.exists(mark):
        return
    for file in files:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        write_atomically(file, permitted(read_text(file) or ""))
    os.makedirs(os.path.dirname(mark), exist_ok=True)
    write_atomically(mark, "")


def _restrict(file: str) -> None:
    text = read_text(file)
    wanted = restricted(text or "")
    if text == wanted:
        return
    before = f"{os.path.dirname(file)}/{BEFORE}"
    os.makedirs(os.path.dirname(file), exist_ok=True)
    if not os.path.exists(before):  # only the first start without a login finds the user's own file
        write_atomically(before, text or "")
    write_atomically(file, wanted)


def _restore(file: str) -> None:
    before = f"{os.path.dirname(file)}/{BEFORE}"
    own = read_text(before)
    if own is None:
        return
    write_atomically(file, restored(read_text(file) or "", own))
    os.unlink(before)
