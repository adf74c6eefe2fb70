"""A: what `podkeeper nodes COMMAND` does: list, install, repair, try, remove."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence

from entrypoint.nodes.folders import entries, part_of
from entrypoint.nodes.image_nodes import links_folder
from entrypoint.nodes.inventory import folder_of, inventory, node_folders
from entrypoint.nodes.left_out import read_left_out, write_left_out
from entrypoint.nodes.needs import RESTART, install_needs, lacks
from entrypoint.nodes.outcome import DONE, FAILED, Refused, report
from entrypoint.nodes.source import Wanted, bring, parse_wanted
from entrypoint.settings.paths import Paths


def list_nodes(paths: Paths) -> int:
    """Print each node: its version or commit, and whether ComfyUI loads it."""
    found = inventory(paths)
    for node in found:
        state = f"{node.state}: {node.reason}" if node.reason else node.state
        newest = f" (newest: {node.newest[:10]})" if node.newest else ""
        print(f"{node.name:40} {node.version:12} {state}{newest}")
    if not found:
        print(f"there are no custom nodes in {folder_of(paths)}")
    return DONE


def install(paths: Paths, address: str) -> int:
    """Install a node and what it needs (see `source.parse_wanted`); a failure leaves no node behind."""

    return report(_install, paths, address, doing=f"install {address}")


def _install(paths: Paths, address: str) -> str:
    wanted = parse_wanted(address)
    return f"{wanted.name} is installed; {install_wanted(paths, wanted)}"


def install_wanted(paths: Paths, wanted: Wanted, pins: Mapping[str, str] | None = None, *, needs: bool = True) -> str:
    """Install a node; returns what to say.

    Args:
        paths: The pod's.
        wanted: The node.
        pins: Package -> version to prefer.
        needs: Whether to install what it needs; False: it was installed before, as far as nothing is missing.

    Raises:
        Refused: It cannot be installed; nothing of it stays.
        OSError: The volume refuses.
    """
    target = f"{folder_of(paths)}/{wanted.name}"
    if os.path.lexists(target):
        raise Refused(f"{target} is there already; remove it first: podkeeper nodes remove {wanted.name}")
    os.makedirs(folder_of(paths), exist_ok=True)
    part = part_of(target)
    try:
        print(f"{wanted.name}: fetching {wanted.origin.repository or wanted.origin.registry}", flush=True)
        bring(wanted.origin, part)
        said = install_needs(paths, part, pins) if needs or lacks(paths, part) else RESTART
        os.rename(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return said


def repair(paths: Paths, names: Sequence[str]) -> int:
    """Install what nodes need: their requirements.txt and install.py."""
    return max(report(_repair, paths, name, doing=f"repair {name}") for name in names)


def _repair(paths: Paths, name: str) -> str:
    return install_needs(paths, path_of(paths, name))


def try_again(paths: Paths, names: Sequence[str]) -> int:
    """Let ComfyUI load nodes again that are left out."""
    left = read_left_out(paths)
    unknown = [name for name in names if name not in left]
    write_left_out(paths, {name: each for name, each in left.items() if name not in names})
    for name in unknown:
        print(f"podkeeper: {name} is not left out", file=sys.stderr)
    if len(unknown) < len(names):
        print(f"{', '.join(name for name in names if name in left)}: tried at the next start; {RESTART}")
    return FAILED if unknown else DONE


def remove(paths: Paths, name: str) -> int:
    """Switch a node off: ComfyUI skips the name it gets. Nothing is deleted."""
    return report(_remove, paths, name, doing=f"remove {name}")


def _remove(paths: Paths, name: str) -> str:
    path = path_of(paths, name)
    if path.startswith(links_folder(paths) + "/"):
        mark = f"{folder_of(paths)}/{name}.disabled"
        os.makedirs(mark, exist_ok=True)
        return f"{name}, a node of the image, is off as long as there is {mark}; {RESTART}"
    aside = f"{path}.disabled"
    while os.path.lexists(aside):
        aside = f"{path}.{os.urandom(3).hex()}.disabled"
    os.rename(path, aside)
    return f"{name} is off and kept as {os.path.basename(aside)}; delete that folder to free its space; {RESTART}"


def path_of(paths: Paths, name: str) -> str:
    """The folder or file of a node. Raises Refused."""
    path = entries(node_folders(paths)).get(name)
    if path is None:
        raise Refused(f"there is no custom node {name}; see: podkeeper nodes list")
    return path
