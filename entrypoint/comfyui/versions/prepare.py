"""A: prepares a version of ComfyUI on the local disk: its code, and an environment with what it asks for.

The environment is above the image's, as the nodes' packages are: only what differs is installed, and torch stays the
image's. The version's own requirements say which packages; they have no hashes.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable

from entrypoint.comfyui.installation import Source
from entrypoint.comfyui.versions.chosen import Version
from entrypoint.comfyui.versions.folders import Place, place_of
from entrypoint.nodes.needs import run_in
from entrypoint.nodes.origin import Origin, head_of
from entrypoint.nodes.outcome import Refused
from entrypoint.nodes.source import bring, clone_at
from entrypoint.packages.distributions import distributions, site_packages
from entrypoint.packages.overlay import Overlay, finish, new_folder, prepare
from entrypoint.packages.store import CannotKeep
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_text

_REQUIREMENTS = ("requirements.txt", "manager_requirements.txt")
#: What pip says where requirements and the held packages exclude each other.
_CONFLICT = "ResolutionImpossible"
#: A line that names a version of torch, or of what is held with it (`overlay.HELD`).
_HELD = re.compile(r"(?:torch|torchvision|torchaudio|triton) ?[<>=!~]")


def make_ready(settings: Settings, paths: Paths, image: Source, version: Version, say: Callable[[str], None]) -> Place:
    """Have the version whole on the local disk: as it is there, from the volume's archive, or from its repository.

    Raises:
        Refused: It cannot be had, or asks for another torch; nothing of it stays.
        OSError: The local disk refuses.
    """
    place = place_of(paths, image, version)
    if place.is_whole():
        return place
    if place.store.has(place.archive):
        say(f"unpacking ComfyUI {version.name} from the volume")
        try:
            place.restore()
        except CannotKeep as error:
            say(f"{place.store.archives}/{place.archive} cannot be used ({error}); fetching it again")
        else:
            return place
    place.remove()
    try:
        _make(settings, image, version, place, say)
    except BaseException:
        place.remove()
        raise
    try:
        place.keep()
    except CannotKeep as error:
        say(f"it is not kept on the volume ({error}): the next pod has to fetch it again")
    return place


def _make(settings: Settings, image: Source, version: Version, place: Place, say: Callable[[str], None]) -> None:
    os.makedirs(place.folder)
    code = place.source.folder
    say(f"fetching ComfyUI {version.name} from {version.repository}")
    if version.name == version.commit:
        bring(Origin(version.repository, version.commit), code)
    else:
        clone_at(version.repository, version.name, code)
    if (head := head_of(code)) != version.commit:
        raise Refused(f"{version.name} of {version.repository} is commit {head[:12]} now; try again")
    if not os.path.isfile(f"{code}/main.py"):
        raise Refused(f"{version.name} of {version.repository} is no ComfyUI: it has no main.py")
    env = Overlay(place.environment, os.path.dirname(os.path.dirname(image.python)), settings.packages_held)
    made = new_folder(env)
    prepare(env, made)
    finish(env, made, place.store.key)
    wanted = [name for name in _REQUIREMENTS if os.path.isfile(f"{code}/{name}")]
    say("installing what it asks for")
    if wanted and (problem := _install(env, code, wanted)):
        raise Refused(problem)
    # Compiled here, behind the ComfyUI that runs, and not at its first start.
    run_in([env.python, "-m", "compileall", "-q", code], env, code)
    shutil.rmtree(f"{code}/user", ignore_errors=True)
    place.note_whole()


def _install(env: Overlay, code: str, wanted: list[str]) -> str:
    """Why what it asks for cannot be installed; ""."""
    files = [word for name in wanted for word in ("-r", name)]
    problem = run_in([env.python, "-m", "pip", "install", "--quiet", "--no-input", *files], env, code)
    if not problem:
        return ""
    asked = other_torch("\n".join(read_text(f"{code}/{name}") or "" for name in wanted))
    if asked and ("conflict" in problem or _CONFLICT in problem):
        here = distributions(site_packages(env.folder)).get("torch")
        return (
            f"it asks for {asked}, and this image has torch {here.version if here else ''}, which is held: "
            "take an image with another torch"
        )
    return f"what it asks for cannot be installed: {problem}"


def other_torch(requirements: str) -> str:
    """What requirements ask of torch and the packages that are held with it; "" where they name no version."""
    lines = (" ".join(re.split("[#;]", line, maxsplit=1)[0].split()) for line in requirements.splitlines())
    return ", ".join(line for line in lines if _HELD.match(line))
