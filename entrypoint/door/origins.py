"""P: the pod's own web origins and names."""

from __future__ import annotations

from urllib.parse import urlsplit

from entrypoint.settings.settings import Settings


def own_origins(settings: Settings, port: int) -> list[str]:
    """The web origins whose pages are this pod's own at `port`, besides the request's Host."""
    local = [f"http://{host}:{port}" for host in ("localhost", "127.0.0.1", "[::1]")]
    return [*([settings.public_url(port)] if settings.pod_id else []), *local, *settings.allowed_origins]


def own_names(settings: Settings, port: int, hostname: str) -> list[str]:
    """The names by which a browser may call the pod at `port`, besides IP addresses and localhost."""
    hosts = [urlsplit(origin).hostname or "" for origin in own_origins(settings, port)]
    names = [name for name in hosts if name and not _is_address_or_localhost(name)]
    return [*dict.fromkeys([*names, hostname.lower()])]


def _is_address_or_localhost(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit() or name == "localhost"
