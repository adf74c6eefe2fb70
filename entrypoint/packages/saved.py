"""A: waits until what was installed for ComfyUI's nodes is kept on the volume.

`python -I -m entrypoint.packages.saved`. The program `nodes` keeps it; this one ends with 0 once that is done.
"""

from __future__ import annotations

import os
import time

from entrypoint.packages.local_state import fingerprint, read_state
from entrypoint.packages.overlay import Overlay, installer_runs
from entrypoint.settings.paths import Paths

_EVERY_S = 1.0


def main() -> int:
    """Wait; returns 0."""
    paths = Paths.from_environ(os.environ)
    while not saved(paths):
        time.sleep(_EVERY_S)
    return 0


def saved(paths: Paths) -> bool:
    """Whether nothing is left to keep; so it is where there is no environment for nodes' packages."""
    overlay = Overlay.found(f"{paths.packages}/env")
    if overlay is None:
        return True
    try:
        return fingerprint(overlay) == read_state(overlay).kept and not installer_runs(overlay)
    except OSError:  # it is being replaced
        return False


if __name__ == "__main__":
    raise SystemExit(main())
