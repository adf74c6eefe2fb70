"""A: the files of the packs of custom nodes: `packs/NAME.lock` has the nodes, `packs/NAME.txt` their packages."""

from __future__ import annotations

import os

FOLDER = os.path.dirname(os.path.abspath(__file__)) + "/packs"


def pack_file(name: str, ending: str = "txt") -> str:
    """The path of a pack's file."""
    return f"{FOLDER}/{name}.{ending}"
