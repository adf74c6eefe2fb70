"""A: the commands of `podkeeper models` but for `add`, `rm` and `update`, as functions; each returns an exit code."""

from __future__ import annotations

import asyncio
import os

from entrypoint.models import run
from entrypoint.models.bundle_requests import requested_bundles
from entrypoint.models.catalogue.manifest import BadManifest, Manifest
from entrypoint.models.catalogue.wanted import (
    ALL,
    REQUESTED,
    BadFlags,
    FetchRequest,
    WantedBundle,
    scope_of,
    wanted_bundles,
)
from entrypoint.models.errors import DiskError, DownloadError
from entrypoint.models.fetch_order import put
from entrypoint.models.listing import print_bundles
from entrypoint.models.load_manifest import load
from entrypoint.models.local_disk import drop
from entrypoint.models.outcome import BAD_SETTINGS, DONE, EX_NOPERM, INCOMPLETE, LATER
from entrypoint.models.report import log
from entrypoint.models.sources.model_file import File
from entrypoint.models.store import ModelStore, refusal, sha256_of
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.limits import Limits
from entrypoint.models.waiting import wait_for
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings


def list_bundles(settings: Settings, paths: Paths, bundles: tuple[str, ...] = (), *, as_json: bool = False) -> int:
    """Print each bundle: wanted or not and why, its files, their sizes, which are installed, what failed and why.

    `bundles`: these alone. Without them, files are shown of bundles that are wanted or begun.
    """
    found = _wanted(settings, paths)
    if isinstance(found, int):
        return found
    if unknown := set(bundles) - {each.bundle.name for each in found}:
        log(f"models: there is no bundle {' '.join(sorted(unknown))}; `podkeeper models list` names the bundles")
        return BAD_SETTINGS
    print_bundles(found, paths, bundles, as_json=as_json)
    return DONE


def wait(settings: Settings, paths: Paths, names: tuple[str, ...], timeout_s: float) -> int:
    """Wait until bundles or files are installed; without names, all wanted bundles."""
    files = _files_named(settings, paths, names)
    return files if isinstance(files, int) else wait_for(paths, files, timeout_s)


def prioritise(settings: Settings, paths: Paths, names: tuple[str, ...], *, first: bool) -> int:
    """Have bundles or files fetched before all others, the first name first of all, or behind all others."""
    files = _files_named(settings, paths, names)
    if isinstance(files, int):
        return files
    for name in reversed(names) if first else names:
        put(paths, name.removeprefix("models/"), first=first)
    log(f"models: {' '.join(names)}: fetched {'first' if first else 'after all others'}, also after a restart")
    return DONE


def _files_named(settings: Settings, paths: Paths, names: tuple[str, ...]) -> list[File] | int:
    """The files of bundles, or files by their path below the models folder; or the exit code of the problem."""
    found = _wanted(settings, paths, scope_of(settings.models), requested_bundles(paths))
    if isinstance(found, int):
        return found
    names = tuple(name.removeprefix("models/") for name in names)
    files = [file for each in found for file in each.bundle.files]
    known = {file.dest for file in files} | {each.bundle.name for each in found}
    if unknown := [name for name in names if name not in known]:
        log(f"models: there is no bundle or file {' '.join(unknown)}; `podkeeper models list` names them")
        return BAD_SETTINGS
    chosen = names or tuple(each.bundle.name for each in found if each.wanted)
    return [file for file in files if file.dest in chosen or file.bundle in chosen]


def plan(settings: Settings, paths: Paths, bundles: tuple[str, ...]) -> int:
    """Print what `fetch` would download: everything wanted, or these bundles alone."""
    return EX_NOPERM if _refused(paths) else run.preview(settings, paths, _request(bundles)).code


def fetch(settings: Settings, paths: Paths, bundles: tuple[str, ...]) -> int:
    """Download everything wanted, or these bundles alone."""
    return EX_NOPERM if _refused(paths) else run.fetch(settings, paths, _request(bundles)).code


def verify(settings: Settings, paths: Paths) -> int:
    """Hash every wanted file that has a receipt again; print what differs and what is missing."""
    found = _wanted(settings, paths)
    if isinstance(found, int):
        return found
    bad, store = 0, ModelStore.of(paths)
    for file in [file for each in found if each.wanted for file in each.bundle.files]:
        problem = _problem(store, file)
        bad += bool(problem)
        log(f"{file.dest}: {problem or 'right'}")
    return INCOMPLETE if bad else DONE


def _request(bundles: tuple[str, ...]) -> FetchRequest:
    return FetchRequest(scope=REQUESTED, bundles=frozenset(bundles), whole=False) if bundles else FetchRequest()


def _problem(store: ModelStore, file: File) -> str:
    receipt, local = store.receipt(file), store.local
    try:
        if local and (copy := local.receipt(file)) and sha256_of(local.path(file)) != copy["sha256"]:
            drop(local, file)
            if not receipt:
                return f"damaged on the local disk; `podkeeper models fetch {file.bundle}` fetches it again"
            log(f"{file.dest}: its copy on the local disk was damaged, and is dropped")
        if receipt and sha256_of(store.path(file)) != receipt["sha256"]:
            store.mark_damaged(file)
            return f"damaged; `podkeeper models fetch {file.bundle}` fetches it again"
    except DiskError as error:
        return f"{error.reason}; {error.remedy}"
    if store.installed(file):
        return ""
    if os.path.exists(store.path(file)):
        return "not verified yet; `podkeeper models fetch` verifies it"
    return "missing"


def _refused(paths: Paths) -> bool:
    if text := refusal(paths):
        log(f"models: {text}")
    return bool(text)


def _wanted(
    settings: Settings, paths: Paths, scope: str = ALL, requested: frozenset[str] = frozenset()
) -> tuple[WantedBundle, ...] | int:
    """All bundles, or the exit code of the problem."""
    if _refused(paths):
        return EX_NOPERM
    try:
        manifest = asyncio.run(_load(settings, paths))
        requested &= {bundle.name for bundle in manifest.bundles}  # a request may be older than the manifest
        found, notes = wanted_bundles(manifest, os.environ, scope, requested)
    except (BadManifest, BadFlags) as error:
        log(str(error))
        return BAD_SETTINGS
    except DownloadError as error:
        log(f"{error}; {error.remedy}")
        return LATER
    for note in notes:
        log(note)
    return found


async def _load(settings: Settings, paths: Paths) -> Manifest:
    async with HttpClient(Limits()) as client:
        return await load(settings, paths, client)
