"""A: logins for model downloads: 0600 files in the runtime folder, written at the start, read by the fetcher alone.

They are in nobody's environment: neither ComfyUI's custom nodes nor a notebook sees them there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_text, write_atomically

NAMES = ("HF_TOKEN", "CIVITAI_TOKEN", "GITHUB_TOKEN")


def keep_logins(settings: Settings, paths: Paths) -> None:
    """Write the logins that are set and forget those of an earlier start.

    Raises:
        OSError: The runtime folder can't be written.
    """
    folder = f"{paths.runtime}/secrets"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for name in NAMES:
        token = getattr(settings, name.lower())
        if token:
            write_atomically(f"{folder}/{name}", token, 0o600)
        elif os.path.lexists(f"{folder}/{name}"):
            os.unlink(f"{folder}/{name}")


def logins(paths: Paths, environ: Mapping[str, str]) -> dict[str, str]:
    """The logins: of this very environment (a terminal's), else those of the pod's start."""
    found = {
        name: environ.get(name, "").strip() or read_text(f"{paths.runtime}/secrets/{name}") or "" for name in NAMES
    }
    return {name: token for name, token in found.items() if token}
