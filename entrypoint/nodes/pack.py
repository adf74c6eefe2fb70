"""A: the packs of custom nodes: `podkeeper nodes install wan|flux|all`.

`packs/NAME.lock` has the nodes, each at a commit, `packs/NAME.txt` their packages by hash; none moves a package of the
image. `scripts/node_packs.py` makes both.
"""

from __future__ import annotations

import os
import sys

from entrypoint.nodes.keep_lock import restore_nodes
from entrypoint.nodes.lock import read_lock
from entrypoint.nodes.needs import install_locked
from entrypoint.nodes.outcome import FAILED, Refused
from entrypoint.settings.paths import Paths

PACKS = {"wan": ("wan",), "flux": ("flux",), "all": ("wan", "flux")}
FOLDER = os.path.dirname(os.path.abspath(__file__)) + "/packs"


def install_pack(paths: Paths, name: str) -> int:
    """Install the nodes of a pack that are missing; those that are here stay as they are."""
    return max(_install_one(paths, each) for each in PACKS[name])


def _install_one(paths: Paths, name: str) -> int:
    print(f"{name}: installing the packages of all its nodes", flush=True)
    try:
        problem = install_locked(paths, f"{FOLDER}/{name}.txt")
    except Refused as refused:
        print(f"podkeeper: {refused}", file=sys.stderr)
        return FAILED
    if problem:  # another Python, or other packages in the image: what each node asks for may fit all the same
        print(f"{name}: the pinned packages do not fit ({problem}); each node gets what it asks for", flush=True)
    with open(f"{FOLDER}/{name}.lock", encoding="utf-8") as file:
        return restore_nodes(paths, read_lock(file.read()), needs=bool(problem))
