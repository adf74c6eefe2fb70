"""A: what each bundle needs and the room where it goes, without a request: for the status page."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass

from entrypoint.models.catalogue.manifest import Bundle
from entrypoint.models.disk import free_space
from entrypoint.models.store import ModelStore


@dataclass(frozen=True, slots=True)
class BundleRoom:
    """Sizes in bytes."""

    name: str
    total: int  # by the manifest's `size_gb`, or what is installed where that is more; 0: not known
    missing: int  # of `total`, what is neither installed nor staged; 0 too where `total` is not known
    free: int | None  # the least of the file systems that its missing files go to; None: it cannot be asked
    complete: bool  # all of its files are installed: then nothing is missing


def bundle_room(bundles: Iterable[Bundle], store: ModelStore) -> list[BundleRoom]:
    """A bundle's line each. A volume that hangs holds the caller: ask in a thread."""
    return [_room(bundle, store) for bundle in bundles]


def _room(bundle: Bundle, store: ModelStore) -> BundleRoom:
    installed, staged, folders = 0, 0, set()
    for file in bundle.files:
        size = store.installed(file).get("size")
        if isinstance(size, int):
            installed += size
        else:
            staged += store.staged_bytes(file)
            # A folder may be a link to another disk; free_space asks the nearest one that exists.
            folders.add(os.path.realpath(os.path.dirname(store.path(file))))
    complete = not folders
    total = installed if complete else max(int(bundle.size_gb * 1e9), installed + staged)
    missing = total - installed - staged
    free = None
    with contextlib.suppress(OSError):
        free = min(free_space(folder)[0] for folder in folders or {store.data})
    return BundleRoom(bundle.name, total, missing, free, complete)
