"""A: replaces the running ComfyUI by another version: between two workflows, and back where it does not come up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from entrypoint.comfyui.versions.chosen import Chosen, Version, name_of, read_chosen, write_chosen
from entrypoint.comfyui.versions.launch import MOST_DEAD, given_up
from entrypoint.nodes.idle import held, restart, runs
from entrypoint.nodes.outcome import Refused
from entrypoint.packages.environment import dead_starts
from entrypoint.packages.local_state import fingerprint, read_state
from entrypoint.packages.overlay import Overlay
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.system.loopback_http import get

_PROBE_S, _EVERY_S = 5.0, 0.5
#: Seconds in which what was installed for nodes has to be on the volume: the environment is made anew from it.
_KEPT_S = 120.0
#: Seconds in which the new one has to respond: it did so in the trial.
_UP_S = 300.0


def switch(settings: Settings, paths: Paths, version: Version | None, say: Callable[[str], None]) -> str:
    """Use the version from now on; returns what to say.

    Raises:
        Refused: It did not come up, and the one before runs again; or nothing has changed.
        OSError: The volume refuses; nothing has changed.
    """
    former = read_chosen(paths)
    before = former.version if former.version != version else former.before  # prepared anew, for another image
    chosen = Chosen(version=version, before=before, proven=version is None, at=time.time())
    if not runs(paths):
        write_chosen(paths, chosen)
        return f"{name_of(version)} is used from ComfyUI's next start on"
    _wait_until_kept(paths, say)
    with held(settings, paths, say):
        chosen = replace(chosen, at=time.time())
        write_chosen(paths, chosen)
        restart(paths)
    if not (problem := _wait_until_up(settings, paths, chosen)):
        write_chosen(paths, replace(chosen, proven=True))
        return f"ComfyUI {name_of(version)} runs" if version else "the image's ComfyUI runs"
    now = read_chosen(paths)
    if now.version == version:  # else the launcher has reverted it already
        now = given_up(paths, chosen, f"ComfyUI {name_of(version)} {problem}")
        restart(paths)
    raise Refused(f"{now.reverted}, so {name_of(before)} runs again")


def _wait_until_kept(paths: Paths, say: Callable[[str], None]) -> None:
    """Wait for the program `nodes` to keep what was installed last. Raises Refused: it does not."""
    deadline, said = time.monotonic() + _KEPT_S, False
    while (overlay := Overlay.found(f"{paths.packages}/env")) and read_state(overlay).kept != fingerprint(overlay):
        if time.monotonic() > deadline:
            raise Refused("packages of your nodes are not kept on the volume; see: podkeeper status")
        if not said:
            say("waiting until the packages of your nodes are kept on the volume")
        said = True
        time.sleep(_EVERY_S)


def _wait_until_up(settings: Settings, paths: Paths, chosen: Chosen) -> str:
    """Why ComfyUI does not come up; "" once it responds."""
    comfyui = service_named("comfyui")
    deadline = time.monotonic() + _UP_S
    while get(comfyui.port(settings), comfyui.health_path, _PROBE_S).status != 200:
        now = read_chosen(paths)
        if now.reverted and now.version != chosen.version:
            return "did not come up"
        if dead_starts(paths, since=chosen.at) >= MOST_DEAD:
            return f"ended {MOST_DEAD} times before it responded"
        if not runs(paths):
            return "cannot run; see: podkeeper status"
        if time.monotonic() > deadline:
            return f"did not respond within {_UP_S:.0f} s"
        time.sleep(_EVERY_S)
    if read_chosen(paths).version != chosen.version:
        return "did not come up"
    return ""
