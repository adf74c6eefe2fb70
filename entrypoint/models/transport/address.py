"""P: addresses fit for a log."""

from __future__ import annotations

from urllib.parse import urlsplit


def without_query(url: str) -> str:
    """An address without its query, where signatures and tokens travel, and without a login."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "a malformed address"
    if not parts.hostname:  # a login could be anywhere in it
        return "a malformed address"
    shown = f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
    return "".join(character if character.isprintable() else "?" for character in shown)
