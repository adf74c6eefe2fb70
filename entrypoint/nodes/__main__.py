"""A: the program `nodes`: keeps packages while the pod runs, says what became of ComfyUI's last start, and watches the
queue's journal (queue/watch.py).

`python -I -m entrypoint.nodes`
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from functools import partial

from entrypoint.nodes.folders import remove_parts
from entrypoint.nodes.inventory import folder_of
from entrypoint.nodes.watch import Watch, report_nodes
from entrypoint.packages import environment
from entrypoint.packages.base_environment import Base, is_thin
from entrypoint.packages.keeper import Keeper
from entrypoint.packages.overlay import Overlay
from entrypoint.queue.watch import Watch as QueueWatch
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import clear_condition
from entrypoint.system.loopback_http import send
from entrypoint.system.low_priority import lower_priority
from entrypoint.system.privileges import become_service_user

#: Seconds between two looks; while ComfyUI starts, for whose first response the first workflow waits.
EVERY_S, _STARTING_S = 1.0, 0.1


def main() -> int:
    """Watch until stopped."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    become_service_user(settings)
    lower_priority()
    keeper, watch, queue = None, Watch(paths), QueueWatch(settings, paths)
    remove_parts(folder_of(paths))
    while True:
        try:
            if keeper is None or keeper.overlay != Overlay.found(keeper.overlay.folder):  # another ComfyUI is below it
                keeper = new_keeper(settings, paths)
            if environment.is_starting(paths) and responds(settings):
                note_served(paths)
                keep_base(settings, paths)
                if keeper:
                    keeper.note_served()
            queue.look()
            watch.look(time.monotonic())
            if keeper:
                keeper.look(time.monotonic())
        except OSError as error:  # the overlay is being replaced, or the disk fails: the next look says more
            print(f"nodes: {error}", flush=True)
            time.sleep(EVERY_S)
        wait(settings, paths)


def wait(settings: Settings, paths: Paths) -> None:
    """Until the next look, or until ComfyUI's start has ended."""
    until = time.monotonic() + EVERY_S
    while environment.is_starting(paths) and time.monotonic() < until:
        if responds(settings):
            return
        time.sleep(_STARTING_S)
    time.sleep(max(0.0, until - time.monotonic()))


def new_keeper(settings: Settings, paths: Paths) -> Keeper | None:
    """The keeper of the overlay, once ComfyUI's launcher has made it: with a COMFYUI_PYTHON of the user's own there is
    none."""
    overlay = Overlay.found(f"{paths.packages}/env")
    if overlay is None:
        return None
    keeper = Keeper(settings, paths, overlay)
    with contextlib.suppress(OSError):
        keeper.store.collect_garbage()
        keeper.adopt()
    return keeper


def responds(settings: Settings) -> bool:
    """Whether ComfyUI responds."""
    comfyui = service_named("comfyui")
    return send("GET", comfyui.port(settings), comfyui.health_path, 1).status == 200


def keep_base(settings: Settings, paths: Paths) -> None:
    """In the variant `thin`: keep ComfyUI's environment on the volume, in a thread that ends with this process."""
    if is_thin() and not settings.comfyui_python and not settings.comfyui_dir:
        say = partial(print, "nodes:", flush=True)
        threading.Thread(target=Base(paths, settings.torch).keep, args=(say,), daemon=True).start()


def note_served(paths: Paths) -> None:
    """ComfyUI has begun to respond: what kept it from that is over, and its log names the nodes that it lacks."""
    environment.note_served(paths)
    clear_condition(paths.runtime, "ComfyUIFails")
    report_nodes(paths)


if __name__ == "__main__":
    sys.exit(main())
