"""A: bundles asked for while the pod runs: an empty file each in `<stored>/.podkeeper/models-wanted/`.

A request outlives a restart of the pod and is forgotten once its bundle is complete. One file a bundle, so that
nobody needs a lock. Who asks (the status page, `podkeeper models fetch`) writes here and then has supervisord start
the program `models`, stopping it first where it runs: it goes on where it was.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from entrypoint.models.catalogue.names import is_bundle_name
from entrypoint.settings.paths import Paths


def ask_for(paths: Paths, bundles: Iterable[str]) -> None:
    """Leave a request for each.

    Raises:
        ValueError: Not a bundle's name.
        OSError: The volume refuses.
    """
    names = list(bundles)
    for name in names:
        if not is_bundle_name(name):
            raise ValueError(f"{name!r} is no bundle's name")
    os.makedirs(_folder(paths), mode=0o700, exist_ok=True)
    for name in names:
        flags = os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
        os.close(os.open(f"{_folder(paths)}/{name}", flags, 0o600))


def asked_for(paths: Paths) -> frozenset[str]:
    """The bundles that somebody asked for and that are not complete yet."""
    try:
        return frozenset(name for name in os.listdir(_folder(paths)) if is_bundle_name(name))
    except OSError:
        return frozenset()


def forget(paths: Paths, bundles: Iterable[str]) -> None:
    """They are complete, or not wanted any more."""
    for name in bundles:
        if is_bundle_name(name):
            with contextlib.suppress(OSError):
                os.unlink(f"{_folder(paths)}/{name}")


def _folder(paths: Paths) -> str:
    return f"{paths.kept_secrets}/models-wanted"
