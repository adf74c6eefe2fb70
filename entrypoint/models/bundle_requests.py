"""A: bundles requested while the pod runs: an empty file each in `<stored>/.podkeeper/models-wanted/`.

A request outlives a restart of the pod and is removed once its bundle is complete. One file a bundle, so that no lock
is needed. The status page adds a request and then has supervisord restart the program `models`, which resumes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from entrypoint.models.catalogue.manifest import is_bundle_name
from entrypoint.settings.paths import Paths
from entrypoint.system.files import remove


def add_requests(paths: Paths, bundles: Iterable[str]) -> None:
    """Add a request for each bundle. Raises ValueError: not a bundle's name; OSError: the volume refuses."""
    names = list(bundles)
    for name in names:
        if not is_bundle_name(name):
            raise ValueError(f"{name!r} is no bundle's name")
    os.makedirs(_folder(paths), mode=0o700, exist_ok=True)
    for name in names:
        flags = os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        os.close(os.open(f"{_folder(paths)}/{name}", flags, 0o600))


def requested_bundles(paths: Paths) -> frozenset[str]:
    """The requested bundles that are not complete yet."""
    try:
        return frozenset(name for name in os.listdir(_folder(paths)) if is_bundle_name(name))
    except OSError:
        return frozenset()


def remove_requests(paths: Paths, bundles: Iterable[str]) -> None:
    """Remove the requests of complete or unwanted bundles; other texts are ignored."""
    for name in bundles:
        if is_bundle_name(name):
            with contextlib.suppress(OSError):
                remove(f"{_folder(paths)}/{name}")


def _folder(paths: Paths) -> str:
    return f"{paths.models_state}/models-wanted"
