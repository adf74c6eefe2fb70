"""A: the packs of custom nodes: `podkeeper nodes install wan|flux|all`.

`packs/NAME.lock` has the nodes, each at a commit, `packs/NAME.txt` their packages by hash; none moves a package of the
image. `scripts/node_packs.py` makes both.
"""

from __future__ import annotations

import sys

from entrypoint.nodes.folders import entries
from entrypoint.nodes.inventory import node_folders
from entrypoint.nodes.keep_lock import restore_nodes
from entrypoint.nodes.lock import read_lock
from entrypoint.nodes.needs import install_locked, lacks
from entrypoint.nodes.outcome import DONE, FAILED, Refused
from entrypoint.nodes.pack_files import pack_file
from entrypoint.nodes.pack_names import PACKS
from entrypoint.settings.paths import Paths


def install_pack(paths: Paths, name: str) -> int:
    """Install the nodes of a pack that are missing; those that are here stay as they are."""
    return max(_install_one(paths, each) for each in PACKS[name])


def _install_one(paths: Paths, name: str) -> int:
    with open(pack_file(name, "lock"), encoding="utf-8") as file:
        wanted = read_lock(file.read())
    here = entries(node_folders(paths))
    if all(node.name in here and not lacks(paths, here[node.name]) for node in wanted.nodes):
        print(f"{name}: all its {len(wanted.nodes)} nodes are here already")
        return DONE
    print(f"{name}: installing the packages of all its nodes", flush=True)
    try:
        problem = install_locked(paths, pack_file(name))
    except Refused as refused:
        print(f"podkeeper: {refused}", file=sys.stderr)
        return FAILED
    if problem:  # another Python, or other packages in the image: what each node asks for may fit all the same
        print(f"{name}: the pinned packages do not fit ({problem}); each node gets what it asks for", flush=True)
    return restore_nodes(paths, wanted, needs=bool(problem))
