"""A: the search for nginx, and the settings for a machine without it."""

from __future__ import annotations

import os

from entrypoint.settings.settings import Settings

#: Debian puts it into /usr/sbin, which is not on every user's PATH.
_USUAL_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin")


def find_nginx(search: str) -> str:
    """The path of the nginx program, or "". `search`: folders, as in PATH."""
    for folder in (*search.split(":"), *_USUAL_FOLDERS):
        path = f"{folder}/nginx"
        if folder.startswith("/") and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return ""


def without_door_if_nginx_is_missing(settings: Settings, search: str) -> Settings:
    """The settings; where nginx is missing, with every internal port equal to its public one, which means no door.

    Called once, at the pod's start, so that every program uses the same ports.
    """
    if not settings.door_port or find_nginx(search):
        return settings
    return settings.without_door()
