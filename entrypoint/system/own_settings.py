"""A: the settings and paths of a program of the pod: what the entrypoint has put into its environment."""

from __future__ import annotations

import os

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import BadSettings, Settings

EX_CONFIG = 78


def settings_and_paths() -> tuple[Settings, Paths]:
    """Those of the environment. Where they cannot be used, prints why and raises SystemExit(EX_CONFIG)."""
    try:
        return Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    except BadSettings as error:
        print("\n".join(error.problems), flush=True)
        raise SystemExit(EX_CONFIG) from None
