"""A: finds what other templates have left on the volume and this pod does not use: folders, virtual environments.

A few calls for each template, in the background: nothing here walks the volume, or lies on the way to the first page.
"""

from __future__ import annotations

import os
import re
from functools import partial
from itertools import islice

from entrypoint.conditions.condition import Condition
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.bounded_process import Plain, run_bounded
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.files import read_text
from entrypoint.volumes.adopt_folders import OF_A_CLONE, clones_of, tops_of
from entrypoint.volumes.former_conditions import (
    ENVIRONMENT,
    FOLDERS,
    Unused,
    environment_condition,
    is_named,
    is_users_file,
    unused_condition,
)

#: Names of virtual environments: RunPod's `.venv` and `.venv-cu128`, everybody's `venv`.
_ENVIRONMENT = re.compile(r"\.?v?env([-_.][\w.-]*)?")
#: Seconds for about 100 calls.
_TIMEOUT_S = 20.0
#: Entries of a folder that are looked at: one with thousands of pictures has the user's among the first.
_MOST = 200


def report_former(settings: Settings, paths: Paths) -> bool:
    """Record what is not used, in a child process, because the volume may hang. Returns whether to look again: there is
    something, or it cannot be said, and what was recorded before stays."""
    if not paths.volume or paths.stored == paths.volume:
        return False
    result = run_bounded(partial(_as_plain, settings, paths), _TIMEOUT_S)
    if result.get("error"):
        return True
    for name in (ENVIRONMENT, FOLDERS):
        reason, _, remedy = str(result.get(name, "")).partition("\0")
        condition = Condition(name, reason, remedy)
        if not reason:
            clear_condition(paths.runtime, name)
        elif raise_condition(paths.runtime, condition):
            print(str(condition), flush=True)
    return bool(result)


def _as_plain(settings: Settings, paths: Paths) -> Plain:
    return {each.name: f"{each.reason}\0{each.remedy}" for each in former_conditions(settings, paths)}


def former_conditions(settings: Settings, paths: Paths) -> list[Condition]:
    """The notes about what is not used. Raises OSError: the volume refuses to be looked at."""
    conditions = []
    if environments := unused_environments(settings, paths):
        conditions.append(environment_condition(environments))
    if folders := unused_folders(paths):
        conditions.append(unused_condition(folders, f"{paths.data}/extra_model_paths.yaml"))
    return conditions


def unused_environments(settings: Settings, paths: Paths) -> list[str]:
    """The virtual environments in the clones; not one that ComfyUI runs in, by COMFYUI_DIR or COMFYUI_PYTHON."""
    own = [os.path.realpath(path) for path in (settings.comfyui_dir, os.path.dirname(settings.comfyui_python)) if path]
    found = []
    for clone in clones_of(paths):
        for name in sorted(_names(clone)):
            path = f"{clone}/{name}"
            if _ENVIRONMENT.fullmatch(name) and os.path.isfile(f"{path}/pyvenv.cfg"):
                found.append(path)
    return [path for path in found if not any(_overlap(os.path.realpath(path), each) for each in own)]


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def unused_folders(paths: Paths) -> list[Unused]:
    """The folders of a template that another one's folder comes before, with something of the user's in them, and not
    named by extra_model_paths.yaml."""
    clones = clones_of(paths)
    named = read_text(f"{paths.data}/extra_model_paths.yaml") or "" if clones else ""
    found = []
    for name in OF_A_CLONE if clones else ():
        candidates = [path for path in (f"{top}/{name}" for top in tops_of(name, paths, clones)) if os.path.isdir(path)]
        used = f"{paths.data}/{name}"
        if len(candidates) < 2 or not os.path.isdir(used):
            continue
        for path in candidates if os.path.islink(used) else candidates[1:]:  # FolderInTheWay names the first
            kinds = _kinds(path) if name == "models" else ()
            if os.path.samefile(path, used) or not (kinds if name == "models" else _has_something(path)):
                continue
            each = Unused(path, used, kinds)
            if not (named and is_named(each, named)):
                found.append(each)
    return found


def model_paths_of_clones(paths: Paths) -> list[str]:
    """The extra_model_paths.yaml of each clone of which the data folder uses something: ComfyUI reads it from there, so
    that its relative paths hold."""
    return [
        f"{clone}/extra_model_paths.yaml"
        for clone in clones_of(paths)
        if os.path.isfile(f"{clone}/extra_model_paths.yaml")
        and any(_is_same(f"{clone}/{name}", f"{paths.data}/{name}") for name in OF_A_CLONE)
    ]


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _kinds(models: str) -> tuple[str, ...]:
    """The folders of a models folder that have something in them."""
    return tuple(name for name in sorted(_names(models)) if _has_something(f"{models}/{name}"))


def _has_something(folder: str) -> bool:
    """Whether there is something of the user's: a file, or a folder with something in it (`user/default`)."""
    return any(
        not os.path.isdir(f"{folder}/{name}") or any(map(is_users_file, _names(f"{folder}/{name}")))
        for name in _names(folder)
        if is_users_file(name)
    )


def _names(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in islice(entries, _MOST)]
    except OSError:  # closed to this user, or no folder
        return []
