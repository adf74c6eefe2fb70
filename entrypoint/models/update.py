"""A: `podkeeper models update`: which installed files have a newer version at their source, and its download.

Newer is what the same address leads to now: another hash, another ETag; at Civitai also a later version of the same
model. What the manifest pins (a hash, a commit) is never newer. Nothing is fetched without `--yes`, and each old file
stays until the new one is verified.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from entrypoint.models.add_remove import own_files, own_manifest, replace_file
from entrypoint.models.catalogue.manifest import BadManifest
from entrypoint.models.download.queue import DownloadQueue
from entrypoint.models.download.remote_file import RemoteFile, Session
from entrypoint.models.errors import DownloadError
from entrypoint.models.load_manifest import load
from entrypoint.models.outcome import BAD_SETTINGS, DONE, EX_NOPERM, INCOMPLETE, LATER
from entrypoint.models.progress import INSTALLED, Transfer
from entrypoint.models.report import Notes, log
from entrypoint.models.session import session
from entrypoint.models.sources.model_file import File
from entrypoint.models.sources.newer import is_pinned, newer_version
from entrypoint.models.sources.registry import source_of
from entrypoint.models.store import ModelStore, refusal
from entrypoint.models.transport.limits import Limits
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.volume_policy import umask_for
from entrypoint.system.units import gigabytes

_AT_ONCE = 8
_PINNED, _SAME, _NEWER, _UNKNOWN = "pinned", "newest", "newer", "cannot tell"


@dataclass(frozen=True, slots=True)
class _Checked:
    """What the source of one installed file has."""

    file: File
    verdict: str  # _PINNED, _SAME, _NEWER or _UNKNOWN
    what: str = ""  # the newer version, or why it cannot be told
    new: File | None = None  # the file of the newer version: another one where its number is in the manifest


def update(settings: Settings, paths: Paths, names: tuple[str, ...], *, fetch: bool) -> int:
    """Print which installed files have a newer version; `fetch`: and download those. Returns the exit code.

    `names`: bundles, or paths of files; none: all. DONE: nothing is newer, or everything newer was fetched.
    INCOMPLETE: something is newer, or failed. LATER: a source did not respond.
    """
    if text := refusal(paths):
        log(f"models: {text}")
        return EX_NOPERM
    os.umask(umask_for(settings.volume_policy, settings.umask))
    try:
        return asyncio.run(_update(settings, paths, {name.removeprefix("models/") for name in names}, fetch=fetch))
    except BadManifest as error:
        log(str(error))
        return BAD_SETTINGS
    except DownloadError as error:
        log(f"models: {error}; {error.remedy}")
        return LATER
    except (asyncio.CancelledError, KeyboardInterrupt):
        log("models: stopped; downloaded bytes are kept")
        return LATER


async def _update(settings: Settings, paths: Paths, names: set[str], *, fetch: bool) -> int:
    store, limits = ModelStore.of(paths), Limits(attempts=2, longest_wait=1.0, connect_timeout=8.0, stall_timeout=8.0)
    async with session(settings, paths, limits, log) as asking:
        manifest = await load(settings, paths, asking.client)
        files = dict.fromkeys(file for bundle in manifest.bundles for file in bundle.files)
        if unknown := names - {file.dest for file in files} - {bundle.name for bundle in manifest.bundles}:
            log(f"models: there is no bundle or file {' '.join(sorted(unknown))}; `podkeeper models list` names them")
            return BAD_SETTINGS
        mine = [file for file in files if not names or file.dest in names or file.bundle in names]
        gate = asyncio.Semaphore(_AT_ONCE)

        async def check(file: File) -> _Checked:
            async with gate:
                return await _check(asking, store, file)

        checked = await asyncio.gather(*(check(file) for file in mine if store.receipt(file)))
    newer = [each for each in checked if each.verdict == _NEWER]
    for each in checked:
        log(f"{each.file.dest}: {each.verdict}{': ' if each.what else ''}{each.what}")
    if not newer:
        log(f"models: nothing is newer, of {len(checked)} installed files")
        return LATER if any(each.verdict == _UNKNOWN for each in checked) else DONE
    if not fetch:
        log(f"models: {len(newer)} of {len(checked)} files are newer; `podkeeper models update --yes` fetches them")
        return INCOMPLETE
    return await _fetch(settings, paths, store, newer)


async def _check(asking: Session, store: ModelStore, file: File) -> _Checked:
    receipt = store.receipt(file)
    if is_pinned(file):
        return _Checked(file, _PINNED)
    transfer = Transfer(file)
    try:
        remote = RemoteFile(asking, transfer)
        resolved = await remote.resolve()
        later = await newer_version(file, source_of(file, asking.sources), remote.ask_json)
    except DownloadError as error:
        return _Checked(file, _UNKNOWN, f"{error}; {error.remedy}")
    if later:
        return _Checked(file, _NEWER, later.what, replace(file, keys={**file.keys, **later.keys}))
    size = gigabytes(resolved.size) if resolved.size else "unknown size"
    if resolved.sha256:
        same = resolved.sha256 == receipt["sha256"]
        what = f"{size}, sha256 {resolved.sha256[:12]}..., installed is {str(receipt['sha256'])[:12]}..."
        return _Checked(file, _SAME) if same else _Checked(file, _NEWER, what, file)
    etag = receipt.get("etag")
    if etag and resolved.etag:
        same = etag == resolved.etag and resolved.size in (None, receipt["size"])
        return _Checked(file, _SAME) if same else _Checked(file, _NEWER, f"{size}, another ETag", file)
    if resolved.size not in (None, receipt["size"]):
        return _Checked(file, _NEWER, f"{size}, installed has {gigabytes(int(str(receipt['size'])))}", file)
    return _Checked(file, _UNKNOWN, "its source gives neither a hash nor an ETag that the receipt has, too")


async def _fetch(settings: Settings, paths: Paths, store: ModelStore, newer: Sequence[_Checked]) -> int:
    notes, refused = Notes(), 0
    wanted: list[tuple[_Checked, Transfer]] = []
    for each in newer:
        if each.new and each.new != each.file and not _is_own(settings, paths, each.file):
            number = each.new.keys.get("version_id", "")
            notes.add(f"{each.file.dest}: its manifest is not yours to edit: give version_id = {number} in models.toml")
            refused += 1
        elif each.new:
            wanted.append((each, Transfer(each.new, renew=str(store.receipt(each.file)["sha256"]))))
    transfers = [transfer for _, transfer in wanted]
    async with session(settings, paths, Limits(), notes.add) as fetching:
        queue = DownloadQueue(fetching, store, transfers, notes.add)
        await queue.survey()
        await queue.run(tuple(transfer.file for transfer in transfers))
    for each, transfer in wanted:
        if transfer.state != INSTALLED:
            log(transfer.failure_line() + "; the installed version stays")
            continue
        log(f"{each.file.dest}: updated, {gigabytes(transfer.size)}")
        if transfer.file != each.file:
            try:
                replace_file(settings, paths, each.file, transfer.file)
            except (BadManifest, OSError) as error:
                log(f"models: the manifest still has the old version: {error}")
                refused += 1
    failed = [transfer for transfer in transfers if transfer.state != INSTALLED]
    if any(transfer.temporary for transfer in failed):
        return LATER
    return INCOMPLETE if failed or refused else DONE


def _is_own(settings: Settings, paths: Paths, file: File) -> bool:
    """Whether the file is in a manifest that podkeeper may edit."""
    try:
        return file in own_files(own_manifest(settings, paths))
    except BadManifest:
        return False
