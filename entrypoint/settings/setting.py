"""P: one entry of the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any


def setting(variable: str, parse: Callable[[str], Any], default: Any, text: str, *, secret: bool = False) -> Any:
    """Define one setting: `text` is for docs/settings.md; a secret stays out of logs and every child's environment."""
    about = {"variable": variable, "parse": parse, "text": text, "secret": secret}
    return field(default=default, repr=not secret, metadata=about)
