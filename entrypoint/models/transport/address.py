"""P: addresses fit for a log."""

from __future__ import annotations

from urllib.parse import urlsplit


def without_query(url: str) -> str:
    """An address without its query, where signatures and tokens travel, and without a login."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
