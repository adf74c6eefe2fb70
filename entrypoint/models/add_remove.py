"""A: `podkeeper models add` and `rm`: the user's own manifest on the volume, and the files that we fetched."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from entrypoint.models import run
from entrypoint.models.bundle_requests import forget
from entrypoint.models.catalogue.builtin import CATALOGUE
from entrypoint.models.catalogue.edit import NEW, with_file, without_file
from entrypoint.models.catalogue.fit import gigabytes
from entrypoint.models.catalogue.manifest import BadManifest, File, parse
from entrypoint.models.catalogue.names import is_bundle_name
from entrypoint.models.catalogue.wanted import Errand
from entrypoint.models.job import BAD_SETTINGS, DONE, INCOMPLETE
from entrypoint.models.report import say
from entrypoint.models.sources.recognise import NotAnAddress, destination, recognise
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_text, write_atomically

if TYPE_CHECKING:
    import argparse

_MINE = "MINE"


def add(settings: Settings, paths: Paths, arguments: list[str]) -> int | None:
    """Write a file into the user's manifest; nothing is fetched yet."""
    given = _parsed(arguments)
    if given is None:
        return None
    try:
        found = recognise(given.url, settings.hf_endpoint)
        dest = destination(found, given.dest)
        where = own_manifest(settings, paths)
        keys: dict[str, str | int] = {**found.keys, "dest": dest}
        if given.sha256:
            keys["sha256"] = given.sha256.lower()
        _replace(where, with_file(read_text(where) or NEW, where, given.bundle, keys))
    except NotAnAddress as error:
        say(f"models: cannot add {given.url.partition('?')[0]}: {error}")
        return BAD_SETTINGS
    except (BadManifest, OSError) as error:
        say(f"models: {error}")
        return BAD_SETTINGS
    for note in found.notes:
        say(f"models: {note}")
    say(f"models: {dest} is in {where}, bundle {given.bundle}; `podkeeper models fetch {given.bundle}` fetches it now")
    return DONE


def rm(settings: Settings, paths: Paths, arguments: list[str]) -> int | None:
    """Remove models that were fetched, and take them out of the user's manifest."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        return None
    what = arguments[0].removeprefix("models/")
    shelf = run.new_job(settings, paths, Errand()).shelf
    try:
        where = own_manifest(settings, paths)
        own, builtin = _files(where), _files(CATALOGUE)
        files = [file for file in own + builtin if what in (file.dest, file.bundle)]
        if not files:
            say(f"models: no manifest has a file or bundle {what}; `podkeeper models list` names the bundles")
            return BAD_SETTINGS
        freed, kept = 0, 0
        for file in dict.fromkeys(files):
            gone = shelf.remove(file)
            freed += gone or 0
            kept += gone is None
            say(f"models: {file.dest}: {_fate(gone)}")
            if what == file.dest and file in own:
                _replace(where, without_file(read_text(where) or "", where, file))
                say(f"models: {file.dest} is no more in {where}")
    except (BadManifest, OSError) as error:
        say(f"models: {error}")
        return BAD_SETTINGS
    forget(paths, [what] if is_bundle_name(what) else [])
    say(f"models: {gigabytes(freed)} freed")
    for name in sorted({file.bundle for file in files if file in builtin or what == file.bundle}):
        say(f"models: DOWNLOAD_{name}=false keeps the pod from fetching {name} again")
    return INCOMPLETE if kept else DONE


def _fate(gone: int | None) -> str:
    if gone is None:
        return "kept: it was not fetched by podkeeper, or has been changed since; remove it by hand"
    return f"removed, {gigabytes(gone)}" if gone else "was not here"


def own_manifest(settings: Settings, paths: Paths) -> str:
    """The file that `add` and `rm` edit.

    Raises:
        BadManifest: The manifest is somebody else's.
    """
    where = settings.models_manifest or f"{paths.data}/models.toml"
    if not where.startswith("/"):
        raise BadManifest("MODELS_MANIFEST is an address: change the manifest there")
    return os.path.realpath(where)


def _files(where: str) -> list[File]:
    text = read_text(where)
    return [file for bundle in parse(text, where).bundles for file in bundle.files] if text else []


def _replace(where: str, text: str) -> None:
    mode, owner = 0o644, None
    with contextlib.suppress(FileNotFoundError):
        found = os.stat(where)
        mode = found.st_mode & 0o7777
        owner = (found.st_uid, found.st_gid) if os.geteuid() == 0 else None
    write_atomically(where, text, mode, owner)


def _parsed(arguments: list[str]) -> argparse.Namespace | None:
    import argparse  # for this verb alone

    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("url")
    parser.add_argument("--dest", default="")
    parser.add_argument("--sha256", default="")
    parser.add_argument("--bundle", default=_MINE)
    try:
        given, rest = parser.parse_known_args(arguments)
    except (argparse.ArgumentError, SystemExit):
        return None
    return None if rest or not is_bundle_name(given.bundle) else given
