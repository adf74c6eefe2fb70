"""A: is there an nginx here?"""

from __future__ import annotations

import os
from dataclasses import replace

from entrypoint.settings.settings import Settings

#: Debian puts it into /usr/sbin, which is not on every user's PATH.
_MORE_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin")


def find_nginx(search: str) -> str:
    """The program's path, or "". `search`: folders, as PATH lists them."""
    for folder in (*search.split(":"), *_MORE_FOLDERS):
        path = f"{folder}/nginx"
        if folder.startswith("/") and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return ""


def as_it_is_here(settings: Settings, search: str) -> Settings:
    """The settings; without an nginx ComfyUI has no gateway and keeps its port to itself (one port for both).

    Decided once, at the pod's start, so that every program knows the same ports.
    """
    if not settings.gateway or find_nginx(search):
        return settings
    return replace(settings, comfyui_internal_port=settings.comfyui_port)
