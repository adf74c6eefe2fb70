"""A: the bundles of models that the page offers to fetch."""

from __future__ import annotations

from typing import Any

from entrypoint.models.bundle_requests import add_requests
from entrypoint.models.catalogue.builtin import local_manifest
from entrypoint.models.catalogue.manifest import BadManifest
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.status.actions import act


def offered(settings: Settings, paths: Paths) -> list[dict[str, Any]]:
    """What the manifest holds; nothing where it is elsewhere on the web, or broken (the downloads' log says why)."""
    try:
        manifest = local_manifest(settings, paths)
    except BadManifest:
        return []
    bundles = manifest.bundles if manifest else ()
    return [{"name": each.name, "about": each.about, "gigabytes": each.size_gb} for each in bundles]


def fetch(settings: Settings, paths: Paths, name: str) -> str:
    """Have the downloads fetch this bundle, too: they begin again, and go on where they were.

    Returns:
        Why it can't be done, in one line; "" when it is under way.
    """
    if name not in [each["name"] for each in offered(settings, paths)]:
        return f"there is no bundle {name}"
    try:
        add_requests(paths, [name])
    except OSError as error:
        return f"the volume can't keep the request: {error.strerror}"
    return act(paths, "models", "restart")
