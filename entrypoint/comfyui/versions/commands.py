"""A: what `podkeeper comfyui COMMAND` and COMFYUI_VERSION do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from entrypoint.comfyui import installation
from entrypoint.comfyui.installation import Source
from entrypoint.comfyui.versions.chosen import IMAGES, Version, name_of, read_chosen
from entrypoint.comfyui.versions.compare import lost_nodes, outcome, refusal
from entrypoint.comfyui.versions.folders import alone, place_of
from entrypoint.comfyui.versions.prepare import make_ready
from entrypoint.comfyui.versions.resolve import releases, resolve
from entrypoint.comfyui.versions.switch import switch
from entrypoint.comfyui.versions.trial import run_trial
from entrypoint.conditions.condition import CannotDo
from entrypoint.nodes.inventory import read_launch, read_report
from entrypoint.nodes.outcome import Refused, report
from entrypoint.nodes.source import references
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.low_priority import lower_priority

_NEWEST = 5
_say = partial(print, flush=True)


def use(settings: Settings, paths: Paths, name: str, *, anyway: bool = False) -> int:
    """Switch to a version; a failure leaves the running ComfyUI as it is."""
    return report(change, settings, paths, name, anyway, doing=f"use ComfyUI {name}")


def change(settings: Settings, paths: Paths, name: str, anyway: bool = False) -> str:
    """Resolve, prepare, try and switch; returns what to say. Raises Refused and OSError."""
    image = image_of(settings)
    with alone(paths):
        version = resolve(settings.comfyui_repo, name)
        chosen = read_chosen(paths)
        same = (version and version.commit) == (chosen.version and chosen.version.commit)
        if same and (version is None or place_of(paths, image, version).is_whole()):
            return f"ComfyUI {name_of(version)} is the chosen one already"
        return _change_to(settings, paths, image, version, anyway) + _note(settings, name)


def _note(settings: Settings, name: str) -> str:
    if settings.comfyui_version in ("", name):
        return ""
    return f"; the pod's next start brings back COMFYUI_VERSION={settings.comfyui_version}: change it there, too"


def _change_to(settings: Settings, paths: Paths, image: Source, version: Version | None, anyway: bool) -> str:
    lower_priority()
    source = make_ready(settings, paths, image, version, _say).source if version else image
    name = version.name if version else IMAGES
    _say(f"starting ComfyUI {name} on a spare port, beside the one that runs")
    trial, now = run_trial(settings, paths, source), read_report(paths)
    if problem := refusal(name, now, trial, anyway=anyway):
        raise Refused(problem)
    _say(outcome(trial, lost_nodes(now, trial)))
    return switch(settings, paths, version, _say)


def rollback(settings: Settings, paths: Paths) -> int:
    """Switch to the version before."""

    def work() -> str:
        image = image_of(settings)
        with alone(paths):
            chosen = read_chosen(paths)
            if chosen.version is None and chosen.before is None:
                raise Refused("there is no version before: the image's runs, and none was chosen")
            return _change_to(settings, paths, image, chosen.before, anyway=True)

    return report(work, doing="switch back")


def list_versions(settings: Settings, paths: Paths) -> int:
    """Print what runs, what is kept, and the newest releases."""
    return report(_list, settings, paths, doing="list ComfyUI's versions")


def _list(settings: Settings, paths: Paths) -> str:
    image, chosen = image_of(settings), read_chosen(paths)
    running = read_launch(paths).comfyui
    lines = [f"{'image':20} {installation.version_number(image) or '-'}{_mark(chosen.version is None)}"]
    for each in dict.fromkeys(filter(None, (chosen.version, chosen.before))):
        place = place_of(paths, image, each)
        kept = "on the volume" if place.store.has(place.archive) else "not on the volume"
        lines.append(f"{name_of(each):20} {each.commit[:12]} {kept}{_mark(each == chosen.version)}")
    if running:
        lines.append(f"ComfyUI {running} was started last")
    try:
        newest = releases(references(settings.comfyui_repo))[:_NEWEST]
        lines.append(f"newest releases: {', '.join(newest) or 'none'}")
    except Refused as refused:
        lines.append(str(refused))
    return "\n".join(lines)


def _mark(here: bool) -> str:
    return " <- chosen" if here else ""


def image_of(settings: Settings) -> Source:
    """The image's ComfyUI. Raises Refused: it is the user's own, or missing."""
    try:
        image = installation.present(settings)
    except CannotDo as error:
        raise Refused(error.condition.reason) from None
    if not installation.is_ours(settings, image):
        own = "COMFYUI_PYTHON" if settings.comfyui_python else "COMFYUI_DIR"
        raise Refused(f"{own} names a ComfyUI of your own: switch it there, with git in {image.folder}")
    return image


def wanted_by_setting(settings: Settings, paths: Paths, say: Callable[[str], None] = _say) -> str:
    """Bring what COMFYUI_VERSION names; returns why it cannot be used, or ""."""
    try:
        say(change(settings, paths, settings.comfyui_version))
    except Refused as refused:
        return str(refused)
    except OSError as error:
        return f"{error.filename or paths.packages}: {error.strerror or error}"
    return ""
