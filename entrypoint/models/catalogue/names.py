"""P: what a bundle may be called."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


def is_bundle_name(text: str) -> bool:
    """Capital letters, digits and _; not ALL, since DOWNLOAD_ALL means all bundles."""
    return bool(_NAME.fullmatch(text)) and text != "ALL"
