"""A: JupyterLab's launcher: `python -P -m entrypoint.jupyter`.

`jupyter lab` spends a good part of its start on a call of node for yarn's registry (jupyterlab.commands:
`AppOptions.registry`), which only a rebuild of JupyterLab from source needs. Without node on the PATH it skips that
call; so PATH names no existing folder while JupyterLab is imported, and is restored before anything runs.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys

from entrypoint.jupyter.lab_config import DOOR
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_text
from entrypoint.system.log_redaction import redact_output
from entrypoint.system.privileges import become_service_user


def main() -> int:
    """Run JupyterLab with the configuration in JUPYTER_CONFIG_DIR; returns its exit code."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    door_secret = read_text(paths.door_secret_file) or ""  # while this process may still be root
    become_service_user(settings)
    redact_output(settings, paths)
    with contextlib.suppress(OSError):  # a missing volume must not keep JupyterLab down
        os.chdir(paths.data)  # terminals start in this folder
    path = os.environ["PATH"]
    os.environ["PATH"] = "/nonexistent"  # an empty PATH means the default one
    gc.disable()  # imports make no garbage, and collecting meanwhile costs 5-10 % of the start
    from jupyterlab.labapp import main as run

    from entrypoint.jupyter import identity

    gc.enable()
    gc.freeze()
    os.environ["PATH"] = path
    sys.argv = ["jupyter-lab", *fixed_options(settings)]
    add_extension()
    identity.door_secret = door_secret
    return int(run() or 0)


def fixed_options(settings: Settings) -> list[str]:
    """The options that the user's own files can't change: behind the door, where JupyterLab listens and whom it
    believes. A command-line option wins over all files."""
    jupyter = service_named("jupyter")
    if not jupyter.behind_door(settings):
        return []
    return [
        f"--ServerApp.identity_provider_class={DOOR}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={jupyter.port(settings)}",
        "--ServerApp.port_retries=0",
        "--ServerApp.sock=",
        "--ServerApp.base_url=/",
    ]


def add_extension() -> None:
    """Add podkeeper's server extension as an installed package would: the user can still switch each one off.

    The configuration file is read too late for that; a command-line option would win over all files.
    """
    own = os.path.join(os.path.dirname(os.path.abspath(__file__)), "server")
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = f"{own}:{others}" if others else own


if __name__ == "__main__":
    sys.exit(main())
