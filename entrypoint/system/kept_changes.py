"""A: the folder where JupyterLab, its terminals and ssh sessions keep what the user changes."""

from __future__ import annotations

import os

from entrypoint.settings.paths import Paths


def keep_changes(paths: Paths) -> dict[str, str]:
    """Make the folders of what the user changes, and return the variables that name them.

    They are in `<data>/.jupyter`, so that a new container on the same volume has them; where that cannot be written,
    they are in the home.
    """
    for kept in (f"{paths.data}/.jupyter", f"{paths.home}/.jupyter"):
        if _makes(kept) and all(
            _makes(f"{kept}/{name}") for name in ("lab/user-settings", "lab/workspaces", "ipython")
        ):
            return {
                "JUPYTERLAB_SETTINGS_DIR": f"{kept}/lab/user-settings",
                "JUPYTERLAB_WORKSPACES_DIR": f"{kept}/lab/workspaces",
                "IPYTHONDIR": f"{kept}/ipython",
                "HISTFILE": f"{kept}/bash_history",
                "PROMPT_COMMAND": "history -a",  # a shell that is killed writes none
            }
    return {}


def _makes(folder: str) -> bool:
    try:
        os.makedirs(folder, mode=0o755, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
