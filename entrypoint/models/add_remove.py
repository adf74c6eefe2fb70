"""A: `podkeeper models add` and `rm`: the user's own manifest on the volume, and the downloaded files."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from entrypoint.models.bundle_requests import remove_requests
from entrypoint.models.catalogue.builtin import CATALOGUE, read_manifest
from entrypoint.models.catalogue.edit import NEW, with_file, without_file
from entrypoint.models.catalogue.manifest import BadManifest, parse
from entrypoint.models.errors import DiskError
from entrypoint.models.outcome import BAD_SETTINGS, DONE, EX_NOPERM, INCOMPLETE
from entrypoint.models.pasted_files import NotTaken, Pasted, files_of
from entrypoint.models.report import log
from entrypoint.models.sources.base import NotAnAddress
from entrypoint.models.sources.model_file import File
from entrypoint.models.sources.pasted import shown
from entrypoint.models.store import ModelStore, refusal
from entrypoint.models.transport.address import without_query
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import write_atomically
from entrypoint.system.units import gigabytes

MINE = "MINE"


@dataclass(frozen=True, slots=True)
class Added:
    """Files of the user's manifest: `dests` and `bundles` of what was asked for, `new`: those that were not there."""

    dests: frozenset[str]
    bundles: frozenset[str]
    new: frozenset[str]


def add(settings: Settings, paths: Paths, pasted: Pasted, bundle: str = MINE) -> int:
    """Add what was pasted to the user's manifest; nothing is downloaded yet. Returns the exit code.

    `bundle`: the one that the files join, made where it is new.
    """
    try:
        found = files_of(settings, paths, pasted)
        where = _add(settings, paths, found.files, bundle)
    except (NotAnAddress, NotTaken, BadManifest, OSError) as error:
        log(f"models: {refused(pasted.text, error)}")
        return error.code if isinstance(error, NotTaken) else BAD_SETTINGS
    for line in (*([found.what] if found.what else ()), *found.lines):
        log(f"models: {line}")
    first, more = found.files[0]["dest"], len(found.files) - 1
    others = f" and the other {more} {'files' if found.what else 'parts of it'} are" if more else " is"
    what = f"{first}{others} in {where}, bundle {bundle}"
    log(f"models: {what}; `podkeeper models fetch {bundle}` downloads it now")
    return DONE


def refused(text: str, error: Exception) -> str:
    """Why a pasted text is not taken, in a line that shows no login of it."""
    if not isinstance(error, NotAnAddress | NotTaken) or "\n" in str(error):  # a table of what there is
        return str(error)
    what = "what was pasted" if re.search(r"\s", text.strip()) else shown(text) or without_query(text.strip())
    return f"cannot add {what}: {error}"


def _add(settings: Settings, paths: Paths, files: Sequence[Mapping[str, str]], bundle: str) -> str:
    """Add files to the user's manifest; returns its path. Raises BadManifest, OSError: nothing is added."""
    where = own_manifest(settings, paths)
    _replace(where, with_file(_read(where) or NEW, where, bundle, *files))
    return where


def add_keys(settings: Settings, paths: Paths, files: Sequence[Mapping[str, str]], bundle: str) -> Added:
    """Add files to the user's manifest, but for those that it has from the same source already.

    Raises BadManifest: another file has the same destination; OSError: nothing is added.
    """
    known = {file.dest: file for file in own_files(own_manifest(settings, paths))}
    there = [each for each in files if _is_same(each, known.get(each["dest"]))]
    new = [each for each in files if each not in there]
    if new:
        _add(settings, paths, new, bundle)
    bundles = {known[each["dest"]].bundle for each in there} | ({bundle} if new else set())
    return Added(
        frozenset(each["dest"] for each in files), frozenset(bundles), frozenset(each["dest"] for each in new)
    )  # fmt: skip


def take_back(settings: Settings, paths: Paths, added: Added) -> None:
    """Remove what `add_keys` has added from the user's manifest, but for files that are installed or partly there."""
    where, store = own_manifest(settings, paths), ModelStore.of(paths)
    try:
        for file in own_files(where):
            if file.dest in added.new and not store.installed(file) and not store.staged_bytes(file):
                _replace(where, without_file(_read(where), where, file).rstrip("\n") + "\n")
    except (BadManifest, OSError) as error:
        log(f"models: {error}")


def _is_same(keys: Mapping[str, str], file: File | None) -> bool:
    """Whether a file of the manifest is this one."""
    mine = {name: text for name, text in keys.items() if name not in ("source", "dest", "sha256")}
    return file is not None and (file.source, dict(file.keys)) == (keys["source"], mine)


def add_files(settings: Settings, paths: Paths, files: Sequence[File]) -> str:
    """Add fetched files to the user's manifest, so that another pod fetches them too; returns its path.

    A file whose destination is in the manifest already stays as it is. Raises BadManifest, OSError: nothing is added.
    """
    where = own_manifest(settings, paths)
    text = _read(where) or NEW
    taken = {file.dest for bundle in parse(text, where).bundles for file in bundle.files}
    new = [file for file in files if file.dest not in taken]
    for file in new:
        keys = {"source": file.source, **file.keys, "dest": file.dest}
        text = with_file(text, where, file.bundle, keys | ({"sha256": file.sha256} if file.sha256 else {}))
    if new:
        _replace(where, text)
    return where


def remove(settings: Settings, paths: Paths, name: str) -> int:
    """Remove the downloaded files of a destination or a bundle, a destination also from the user's manifest.

    Returns the exit code.
    """
    if text := refusal(paths):
        log(f"models: {text}")
        return EX_NOPERM
    name = name.removeprefix("models/")
    try:
        where = own_manifest(settings, paths)
        own, builtin = own_files(where), own_files(CATALOGUE)
        files = [file for file in own + builtin if name in (file.dest, file.bundle)]
        if not files:
            log(f"models: no manifest has a file or bundle {name}; `podkeeper models list` names the bundles")
            return BAD_SETTINGS
        kept = _remove_files(ModelStore.of(paths), files)
        for file in own:
            if file.dest == name:
                _replace(where, without_file(_read(where), where, file))
                log(f"models: {file.dest} is removed from {where}")
    except DiskError as error:
        log(f"models: {error}; {error.remedy}")
        return INCOMPLETE
    except (BadManifest, OSError) as error:
        log(f"models: {error}")
        return BAD_SETTINGS
    remove_requests(paths, [name])
    for bundle in sorted({file.bundle for file in files if file in builtin or name == file.bundle}):
        log(f"models: DOWNLOAD_{bundle}=false keeps the pod from fetching {bundle} again")
    return INCOMPLETE if kept else DONE


def _remove_files(store: ModelStore, files: list[File]) -> int:
    """Remove files, log what that frees, and return how many were kept."""
    freed, kept = 0, 0
    for file in dict.fromkeys(files):
        there = bool(store.installed(file))
        size = store.remove(file)
        freed += size or 0
        kept += size is None
        log(f"models: {file.dest}: {_result(size, there)}")
    log(f"models: {gigabytes(freed)} freed")
    return kept


def _result(size: int | None, there: bool) -> str:
    if size is None:
        return "kept: it was not fetched by podkeeper, or has been changed since; remove it by hand"
    if there and not size:
        return "removed; another name keeps its bytes on the disk"
    return f"removed, {gigabytes(size)}" if size else "was not installed"


def own_manifest(settings: Settings, paths: Paths) -> str:
    """The path of the manifest that `add` and `rm` edit. Raises BadManifest: the manifest is at a web address."""
    where = settings.models_manifest or f"{paths.data}/models.toml"
    if not where.startswith("/"):
        raise BadManifest("MODELS_MANIFEST is an address: change the manifest there")
    return os.path.realpath(where)


def replace_file(settings: Settings, paths: Paths, old: File, new: File) -> None:
    """Put another version of a file in its place in the user's manifest. Raises BadManifest, OSError: it stays."""
    where = own_manifest(settings, paths)
    keys = {"source": new.source, **new.keys, "dest": new.dest}
    root = {"dest_root": new.dest_root} if new.dest_root != "models" else {}
    _replace(where, with_file(without_file(_read(where), where, old), where, new.bundle, {**keys, **root}))


def own_files(where: str) -> list[File]:
    """The files of a manifest at `where`. Raises BadManifest: it can't be used."""
    text = _read(where)
    return [file for bundle in parse(text, where).bundles for file in bundle.files] if text else []


def _read(where: str) -> str:
    """The manifest's text; "": there is none. Raises BadManifest: it cannot be read, and is not replaced then."""
    return read_manifest(where) if os.path.lexists(where) else ""


def _replace(where: str, text: str) -> None:
    mode, owner = 0o644, None
    with contextlib.suppress(FileNotFoundError):
        found = os.stat(where)
        mode = found.st_mode & 0o7777
        owner = (found.st_uid, found.st_gid) if os.geteuid() == 0 else None
    if any(
        "?" in word.partition("://")[2] for word in re.split(r"[\s\"']+", text)
    ):  # what follows the ? of an address is a login as often as not
        mode &= 0o600
    write_atomically(where, text, mode, owner)
