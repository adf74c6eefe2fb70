"""A: become JupyterLab: `python -P -m entrypoint.jupyter`.

Stock `jupyter lab` spends a good part of its start asking node for yarn's registry (jupyterlab.commands:
`AppOptions.registry`), which only a rebuild of JupyterLab from source needs. Where node is not on the PATH it
skips that; so the PATH leads nowhere while JupyterLab is imported, and whole again before anything runs.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.privileges import become_service_user


def main() -> int:
    """Run JupyterLab with the configuration in JUPYTER_CONFIG_DIR; returns its exit code."""
    become_service_user(Settings.from_environ(os.environ))
    with contextlib.suppress(OSError):  # a volume that went away must not keep JupyterLab down
        os.chdir(Paths.from_environ(os.environ).data)  # where terminals start
    path = os.environ["PATH"]
    os.environ["PATH"] = "/nonexistent"  # an empty one would count as the default one
    gc.disable()  # nothing that an import makes is garbage; collecting meanwhile costs 5-10 % of the start
    from jupyterlab.labapp import main as run

    gc.enable()
    gc.freeze()
    os.environ["PATH"] = path
    sys.argv = ["jupyter-lab"]
    add_our_extension()
    result = run()
    return int(result or 0)


def add_our_extension() -> None:
    """Beside those that are found, as an installed package would: the user can still switch each off.

    Not in the configuration file, which is read too late for it; not as an option, which would win over all files.
    """
    ours = os.path.join(os.path.dirname(os.path.abspath(__file__)), "server")
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = f"{ours}:{others}" if others else ours


if __name__ == "__main__":
    sys.exit(main())
