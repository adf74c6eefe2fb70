"""A: what a start of ComfyUI asks: the version that is chosen, where it is, and whether it is to be given up."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import NamedTuple

from entrypoint.comfyui import installation
from entrypoint.comfyui.installation import Source, version_number
from entrypoint.comfyui.versions.chosen import Chosen, Version, name_of, note_proven, read_chosen, write_chosen
from entrypoint.comfyui.versions.folders import Place, place_of
from entrypoint.conditions.condition import Condition
from entrypoint.packages.environment import dead_starts, has_served
from entrypoint.packages.store import CannotKeep
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings

#: Starts that may end before ComfyUI responds, until a version that never responded is reverted.
MOST_DEAD = 2


class Launched(NamedTuple):
    """The code and Python to start, and the conditions that explain them."""

    source: Source
    conditions: list[Condition]


def version_to_launch(paths: Paths, image: Source) -> Launched:
    """The chosen version, restored from the volume where it is not here; else the image's."""
    chosen = read_chosen(paths)
    if chosen.version and not chosen.proven:
        chosen = _judged(paths, chosen)
    conditions = [_reverted(chosen)] if chosen.reverted else []
    if chosen.version is None:
        return Launched(image, conditions)
    place = place_of(paths, image, chosen.version)
    if problem := _problem_of(place):
        return Launched(image, [*conditions, _missing(chosen.version, problem, image)])
    return Launched(place.source, conditions)


def chosen_source(settings: Settings, paths: Paths) -> Source:
    """The ComfyUI that is chosen, where it is here; else the image's. Raises CannotDo: ComfyUI is missing."""
    image, chosen = installation.present(settings), read_chosen(paths).version
    if chosen is None or not installation.is_ours(settings, image):
        return image
    place = place_of(paths, image, chosen)
    return place.source if place.is_whole() else image


def _judged(paths: Paths, chosen: Chosen) -> Chosen:
    """The choice after the starts since it was made: proven, reverted, or as it is."""
    if dead_starts(paths, since=chosen.at) >= MOST_DEAD:
        times = f"{MOST_DEAD} times before it responded"
        return given_up(paths, chosen, f"ComfyUI {name_of(chosen.version)} ended {times}")
    if has_served(paths, since=chosen.at):
        with contextlib.suppress(OSError):  # the next start notes it
            note_proven(paths)
    return chosen


def given_up(paths: Paths, chosen: Chosen, why: str) -> Chosen:
    """Choose the version before again, and note why."""
    back = replace(chosen, version=chosen.before, before=None, proven=True, reverted=why)
    try:
        write_chosen(paths, back)
    except OSError as error:  # this start uses it; the next one finds out again
        print(f"comfyui: cannot note that {why}: {error.strerror}", flush=True)
    return back


def _problem_of(place: Place) -> str:
    """Why the version cannot be used here; it is restored from the volume where that is needed."""
    if place.is_whole():
        return ""
    if not place.store.has(place.archive):
        return "the volume has no archive of it for this image"
    print(f"comfyui: unpacking ComfyUI {place.commit[:12]} from the volume", flush=True)
    try:
        place.restore()
    except CannotKeep as error:
        return f"its archive on the volume cannot be used ({error})"
    except OSError as error:
        return f"{error.filename or place.folder}: {error.strerror}"
    return ""


def _missing(version: Version, problem: str, image: Source) -> Condition:
    name = name_of(version)
    reason = f"ComfyUI {name} is chosen, but {problem}: the image's {version_number(image)} runs"
    return Condition("ComfyUIVersionMissing", reason.replace("  ", " "), f"podkeeper comfyui use {name}")


def _reverted(chosen: Chosen) -> Condition:
    remedy = "choose a version: podkeeper comfyui list; podkeeper comfyui use NAME"
    reason = f"{chosen.reverted}, so {name_of(chosen.version)} runs again"
    return Condition("ComfyUIVersionReverted", reason, remedy)
