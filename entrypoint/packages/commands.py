"""A: what `podkeeper packages COMMAND` does: list, rollback, forget."""

from __future__ import annotations

import subprocess
import sys

from entrypoint.packages.distributions import added, normalised
from entrypoint.packages.environment import roll_back, store_of
from entrypoint.packages.local_state import fingerprint, read_state
from entrypoint.packages.overlay import Overlay
from entrypoint.packages.record import installed
from entrypoint.packages.restore import locked
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings

DONE, FAILED = 0, 1
_NONE = "there are no packages beside the image's: ComfyUI has not been started, or COMFYUI_PYTHON is your own"


def list_packages(settings: Settings, paths: Paths) -> int:
    """Print what is installed over the image's packages, and whether ComfyUI has responded with it."""
    overlay = Overlay.found(f"{paths.packages}/env")
    if overlay is None:
        print(_NONE)
        return DONE
    here, kept = added(overlay.site), installed(store_of(settings, paths, overlay).record())
    for name in sorted(here.keys() | kept.keys()):
        if name not in here:
            state = "on the volume only: podkeeper restart comfyui brings it"
        elif name in kept and kept[name].version == here[name].version:
            state = "kept on the volume"
        else:
            state = "not kept yet"
        version = here[name].version if name in here else kept[name].version
        asked = "" if name not in kept or kept[name].asked else ", as a dependency"
        print(f"{name:32} {version:16} {state}{asked}")
    if not here and not kept:
        print("none beside the image's own packages")
    elif read_state(overlay).good == fingerprint(overlay):
        print("ComfyUI has responded with these packages: they are the last good ones.")
    else:
        print("ComfyUI has not responded with these packages yet; undo: podkeeper packages rollback")
    return DONE


def rollback(settings: Settings, paths: Paths) -> int:
    """Bring back the last packages with which ComfyUI responded."""
    overlay = Overlay.found(f"{paths.packages}/env")
    if overlay is None:
        print(_NONE)
        return FAILED
    with locked(overlay):
        conditions = roll_back(overlay, store_of(settings, paths, overlay), "you asked for it")
    for condition in conditions:
        print(condition.reason)
    print("restart ComfyUI to use them: podkeeper restart comfyui")
    return DONE


def forget(settings: Settings, paths: Paths, name: str) -> int:
    """Uninstall a package from ComfyUI's environment and from the volume; the image's own comes back, if it has one."""
    overlay = Overlay.found(f"{paths.packages}/env")
    wanted = normalised(name)
    store = store_of(settings, paths, overlay) if overlay else None
    if overlay is None or store is None or wanted not in added(overlay.site).keys() | installed(store.record()).keys():
        print(f"podkeeper: {name} is not among the packages; see: podkeeper packages list", file=sys.stderr)
        return FAILED
    if wanted in added(overlay.site):
        command = [overlay.python, "-m", "pip", "uninstall", "--quiet", "--yes", wanted]
        if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode:
            return FAILED
    store.forget(wanted)
    print(f"{wanted} is removed; running programs keep what they have loaded: podkeeper restart comfyui")
    return DONE
