"""P: the launcher tiles of the pod's other pages. Title, icon and port come from the row in settings/services."""

from __future__ import annotations

from entrypoint.settings.services import SERVICES, Service
from entrypoint.settings.settings import Settings


def tiles(settings: Settings) -> list[Service]:
    """The enabled services that have a tile."""
    return [service for service in SERVICES if service.tile and service.enabled(settings)]


def description(service: Service, settings: Settings) -> dict[str, str]:
    """A tile for the launcher extension: name, title, caption, the icon as SVG, and the path that it opens."""
    if service.tile is None:
        raise ValueError(f"{service.name} has no tile")
    stroke = 'fill="none" stroke="#1976d2" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
    icon = f'<path {stroke} d="{service.tile.path}"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24">{icon}</svg>'
    proxied = settings.jupyter_tiles == "proxy" and service.behind_door(settings)
    path = f"podkeeper/{service.name}/" if proxied else f"podkeeper/open/{service.name}"
    caption = service.tile.caption
    return {"name": service.name, "title": service.tile.title, "caption": caption, "svg": svg, "path": path}
