"""A: the program `nodes`: keeps packages while the pod runs, and reports nodes that ComfyUI could not import.

`python -I -m entrypoint.nodes`
"""

from __future__ import annotations

import contextlib
import os
import sys
import time

from entrypoint.nodes.watch import report_failed_nodes
from entrypoint.packages.keeper import Keeper
from entrypoint.packages.overlay import Overlay
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.low_priority import lower_priority
from entrypoint.system.privileges import become_service_user

#: Seconds between two looks.
EVERY_S = 1.0


def main() -> int:
    """Watch until stopped."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    become_service_user(settings)
    lower_priority()
    while (overlay := Overlay.found(f"{paths.packages}/env")) is None:
        time.sleep(EVERY_S)  # ComfyUI's launcher makes it; with a COMFYUI_PYTHON of the user's own there is none
    keeper = Keeper(settings, paths, overlay)
    with contextlib.suppress(OSError):
        keeper.store.collect_garbage()
        keeper.adopt()
    while True:
        try:
            if keeper.look(time.monotonic()):
                report_failed_nodes(paths)
        except OSError as error:  # the overlay is being replaced, or the disk fails: the next look says more
            print(f"nodes: {error}", flush=True)
        time.sleep(EVERY_S)


if __name__ == "__main__":
    sys.exit(main())
