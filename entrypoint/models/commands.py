"""A: `podkeeper models list`, `plan`, `fetch` and `verify` as functions; each returns an exit code."""

from __future__ import annotations

import asyncio
import os

from entrypoint.models import run
from entrypoint.models.catalogue.manifest import BadManifest, Manifest
from entrypoint.models.catalogue.wanted import REQUESTED, BadFlags, FetchRequest, WantedBundle, wanted_bundles
from entrypoint.models.errors import DiskError, DownloadError
from entrypoint.models.load_manifest import load
from entrypoint.models.outcome import BAD_SETTINGS, DONE, EX_NOPERM, INCOMPLETE, LATER
from entrypoint.models.report import log
from entrypoint.models.sources.model_file import File
from entrypoint.models.state_file import failures
from entrypoint.models.store import ModelStore, refusal, sha256_of
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.limits import Limits
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.units import gigabytes


def list_bundles(settings: Settings, paths: Paths, bundles: tuple[str, ...] = ()) -> int:
    """Print a line per bundle: wanted or not and why, how many files are installed, its description.

    `bundles`: these alone, each with a line per file: its size, or what is missing and why the last run failed.
    """
    found = _wanted(settings, paths)
    if isinstance(found, int):
        return found
    if unknown := set(bundles) - {each.bundle.name for each in found}:
        log(f"models: there is no bundle {' '.join(sorted(unknown))}; `podkeeper models list` names the bundles")
        return BAD_SETTINGS
    store, failed = ModelStore.of(paths), failures(paths.runtime) if bundles else {}
    for each in found:
        if bundles and each.bundle.name not in bundles:
            continue
        installed = sum(bool(store.receipt(file)) for file in each.bundle.files)
        state = "wanted" if each.wanted else "off"
        files = f"{installed}/{len(each.bundle.files)} files"
        log(f"{each.bundle.name:<12} {state:<7} {files:<12} {each.bundle.about} ({each.why})")
        for file in each.bundle.files if bundles else ():
            log(f"  {file.dest}: {_state(store, file)}{failed.get(file.dest, '')}")
    return DONE


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


def _state(store: ModelStore, file: File) -> str:
    size = store.receipt(file).get("size")
    if isinstance(size, int):
        return f"installed, {gigabytes(size)}"
    if staged := store.staged_bytes(file):
        return f"{gigabytes(staged)} fetched so far"
    return "not verified yet" if os.path.exists(store.path(file)) else "missing"


def _request(bundles: tuple[str, ...]) -> FetchRequest:
    return FetchRequest(scope=REQUESTED, bundles=frozenset(bundles), whole=False) if bundles else FetchRequest()


def _problem(store: ModelStore, file: File) -> str:
    receipt = store.receipt(file)
    try:
        if receipt and sha256_of(store.path(file)) != receipt["sha256"]:
            store.mark_damaged(file)
            return f"damaged; `podkeeper models fetch {file.bundle}` fetches it again"
    except DiskError as error:
        return f"{error.reason}; {error.remedy}"
    if receipt:
        return ""
    if os.path.exists(store.path(file)):
        return "not verified yet; `podkeeper models fetch` verifies it"
    return "missing"


def _refused(paths: Paths) -> bool:
    if text := refusal(paths):
        log(f"models: {text}")
    return bool(text)


def _wanted(settings: Settings, paths: Paths) -> tuple[WantedBundle, ...] | int:
    """All bundles, or the exit code of the problem."""
    if _refused(paths):
        return EX_NOPERM
    try:
        found, notes = wanted_bundles(asyncio.run(_load(settings, paths)), os.environ)
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
