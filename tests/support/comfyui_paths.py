"""Paths of a pod below one folder, for tests of ComfyUI's launch."""

import pathlib
import sys

from entrypoint.settings.paths import Paths


def paths_in(folder: pathlib.Path, data: str = "data", stored: str = "data") -> Paths:
    base = str(folder)
    return Paths(
        data=f"{base}/{data}", stored=f"{base}/{stored}", volume="", log=f"{base}/log", home=f"{base}/home",
        runtime=f"{base}/run", python=sys.executable, kept_secrets=f"{base}/login",
        models_state=f"{base}/{stored}/.podkeeper", packages="/nonexistent/packages",
    )  # fmt: skip
