"""P: ComfyUI's own report of the custom nodes that it could not import, from its log."""

from __future__ import annotations

import re
from collections.abc import Iterable

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_TABLE = "Import times for custom nodes:"
_FAILED = " seconds (IMPORT FAILED): "
_CANNOT, _BECAUSE = "Cannot import ", " module for custom nodes: "
_MISSING = re.compile(r"No module named '([\w.]+)'")
_LONGEST = 200


def failed_nodes(lines: Iterable[str]) -> dict[str, str]:
    """Node -> why it could not be imported ("" where ComfyUI does not say), of the last start in the log."""
    why: dict[str, str] = {}
    failed: dict[str, str] = {}
    for line in lines:
        text = _COLOURS.sub("", line).rstrip()
        path, because, reason = text.partition(_CANNOT)[2].partition(_BECAUSE)
        if because:
            why[_name(path)] = " ".join(reason.split())[:_LONGEST]
        elif text.endswith(_TABLE):
            failed = {}
        elif path := text.partition(_FAILED)[2]:
            failed[_name(path)] = why.get(_name(path), "")
    return failed


def missing_module(why: str) -> str:
    """The module that a node lacks, or ""."""
    found = _MISSING.search(why)
    return found[1] if found else ""


def summary(failed: dict[str, str]) -> str:
    """One line for people."""
    return ", ".join(f"{name} ({why})" if why else name for name, why in sorted(failed.items()))


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
