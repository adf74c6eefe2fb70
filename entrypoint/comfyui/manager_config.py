"""A: ComfyUI-Manager's config.ini: writes what `manager` decides, where Manager is installed."""

from __future__ import annotations

import os

from entrypoint.comfyui.manager import config_folders, restored, restricted, version_in
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


def apply_security_level(settings: Settings, paths: Paths) -> list[Condition]:
    """Restrict Manager while ComfyUI has no login; restore the user's own values once it has one."""
    version = _version(settings, paths)
    if version is None:
        return []
    files = [f"{paths.data}/user/{folder}/config.ini" for folder in config_folders(version)]
    settle = _restrict if settings.comfyui_auth == "none" else _restore
    try:
        for file in files:
            settle(file)
    except OSError as error:
        reason = f"cannot write ComfyUI-Manager's {error.filename}: {error.strerror}"
        return [Condition("ManagerNotSettled", reason, "make it writable, then run: podkeeper restart comfyui")]
    return [RESTRICTED] if settings.comfyui_auth == "none" else []


def _version(settings: Settings, paths: Paths) -> str | None:
    """Manager's version, "" for an unknown one, None where Manager is not installed."""
    nodes = f"{paths.data}/custom_nodes"
    try:
        names = os.listdir(nodes)
    except OSError:
        names = []
    for name in names:
        if name.lower() == "comfyui-manager":
            return version_in(read_text(f"{nodes}/{name}/pyproject.toml") or "")
    # The Manager that ComfyUI includes as a Python package is 4.0 or newer.
    included = any(argument.startswith("--enable-manager") for argument in settings.comfyui_args)
    return "4.0" if included else None


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
