"""A: the model bundles that the page offers, and requests for them."""

from __future__ import annotations

from typing import Any

from entrypoint.models.bundle_requests import add_requests
from entrypoint.models.bundle_room import bundle_room
from entrypoint.models.catalogue.builtin import local_manifest
from entrypoint.models.catalogue.manifest import BadManifest
from entrypoint.models.fetch_order import put
from entrypoint.models.store import ModelStore
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.status.actions import control


def offered(settings: Settings, paths: Paths) -> list[dict[str, Any]]:
    """The manifest's bundles; none where the manifest is remote, or broken (the downloads' log says why)."""
    try:
        manifest = local_manifest(settings, paths)
    except BadManifest:
        return []
    bundles = manifest.bundles if manifest else ()
    rooms = bundle_room(bundles, ModelStore.of(paths))
    return [
        {"name": each.name, "about": each.about, "gigabytes": each.size_gb, "missing": room.missing, "free": room.free,
         "complete": room.complete}
        for each, room in zip(bundles, rooms, strict=True)
    ]  # fmt: skip


def fetch(settings: Settings, paths: Paths, name: str) -> str:
    """Add the bundle to the requested ones and restart the downloads, which resume unfinished files.

    Returns:
        The reason for a failure, in one line; "" when the downloads have been restarted.
    """
    if name not in [each["name"] for each in offered(settings, paths)]:
        return f"there is no bundle {name}"
    try:
        add_requests(paths, [name])
    except OSError as error:
        return f"cannot store the request on the volume: {error.strerror}"
    return control(paths, "models", "restart")


def move(settings: Settings, paths: Paths, name: str, where: str) -> str:
    """Have the bundle fetched before all others (`first`) or after them, and restart the downloads, which resume.

    Returns:
        The reason for a failure, in one line; "" when the downloads have been restarted.
    """
    if name not in [each["name"] for each in offered(settings, paths)]:
        return f"there is no bundle {name}"
    try:
        put(paths, name, first=where == "first")
    except OSError as error:
        return f"cannot store the order on the volume: {error.strerror}"
    return control(paths, "models", "restart")
