"""A: `podkeeper models fetch ADDRESS`: added to the user's manifest, and downloaded now, by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from entrypoint.models import run
from entrypoint.models.add_remove import MINE, Added, add_keys, refused, take_back
from entrypoint.models.catalogue.fit import margin
from entrypoint.models.catalogue.manifest import BadManifest
from entrypoint.models.catalogue.wanted import REQUESTED, FetchRequest
from entrypoint.models.disk import free_space
from entrypoint.models.outcome import BAD_SETTINGS, DONE, EX_NOPERM, LATER, NO_ROOM
from entrypoint.models.pasted_files import NotTaken, Pasted, PastedFiles, files_of
from entrypoint.models.report import log
from entrypoint.models.sources.base import NotAnAddress
from entrypoint.models.sources.model_file import File
from entrypoint.models.store import ModelStore, refusal
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.units import gigabytes


def fetch_pasted(settings: Settings, paths: Paths, pasted: Sequence[Pasted], bundle: str = MINE) -> int:
    """Download what was pasted; what does not fit, or cannot be had, leaves the manifest as it was. Returns the exit
    code."""
    if text := refusal(paths):
        log(f"models: {text}")
        return EX_NOPERM
    return max(_fetch(settings, paths, each, bundle) for each in pasted)


def _fetch(settings: Settings, paths: Paths, pasted: Pasted, bundle: str) -> int:
    try:
        found = files_of(settings, paths, pasted)
        if text := _without_room(paths, found):
            log(f"models: nothing is fetched: {text}")
            return NO_ROOM
        added = add_keys(settings, paths, found.files, bundle)
    except (NotAnAddress, NotTaken, BadManifest, OSError) as error:
        log(f"models: {refused(pasted.text, error)}")
        return error.code if isinstance(error, NotTaken) else BAD_SETTINGS
    for line in (*([found.what] if found.what else ()), *found.lines):
        log(f"models: {line}")
    outcome = run.fetch(settings, paths, _request(added))
    if outcome.code not in (DONE, LATER):
        take_back(settings, paths, added)
    return outcome.code


def _request(added: Added) -> FetchRequest:
    return FetchRequest(scope=REQUESTED, bundles=added.bundles, whole=False, only=added.dests)


def _without_room(paths: Paths, found: PastedFiles) -> str:
    """Why the files do not fit, by the sizes that the site gives; "": they do, or the sizes are not known."""
    store = ModelStore.of(paths)
    free, total = free_space(store.disk_of_models())
    room, need = free - margin(total), found.size - sum(_bytes_there(store, keys) for keys in found.files)
    if not found.size or need <= max(room, 0):
        return ""
    return f"{found.what} need more than the {gigabytes(max(room, 0))} that are free; choose with --include 'PATTERN'"


def _bytes_there(store: ModelStore, keys: Mapping[str, str]) -> int:
    """Bytes of a file that are installed or staged already."""
    mine = {name: text for name, text in keys.items() if name not in ("source", "dest", "sha256")}
    file = File(bundle="", source=keys["source"], dest=keys["dest"], keys=mine)
    size = store.installed(file).get("size")
    return size if isinstance(size, int) else store.staged_bytes(file)
