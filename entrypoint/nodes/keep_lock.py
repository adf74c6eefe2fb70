"""A: nodes.lock in the data folder: written after a good start, and brought back by `podkeeper nodes restore`.

A file that podkeeper has not written, because the user has copied it from another volume, is never replaced by itself.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Container

from entrypoint.nodes.commands import install_wanted
from entrypoint.nodes.folders import entries, known_names
from entrypoint.nodes.image_nodes import image_packages
from entrypoint.nodes.inventory import LOADED, Node, folder_of, inventory, node_folders, read_launch
from entrypoint.nodes.lock import BadLock, Locked, NodesLock, needed_packages, read_lock, text_of
from entrypoint.nodes.origin import Origin
from entrypoint.nodes.outcome import DONE, FAILED, Refused, report
from entrypoint.nodes.source import Wanted
from entrypoint.packages.distributions import added
from entrypoint.packages.overlay import Overlay
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_bytes, read_table, read_text, write_atomically, write_json

#: Bytes of a lock or snapshot: 300 nodes have 100 kB.
_LARGEST = 4 << 20


def lock_file(paths: Paths) -> str:
    """Where the lock is."""
    return f"{paths.data}/nodes.lock"


def keep_lock(paths: Paths) -> None:
    """Write the lock of what ComfyUI has loaded, where the one that is there is podkeeper's. Raises OSError."""
    before = read_text(lock_file(paths))
    text = text_of(current_lock(paths))
    if text != before and (before is None or _digest(before) == read_table(_mark(paths)).get("sha256")):
        _write(paths, text)


def current_lock(paths: Paths, states: Container[str] = (LOADED,)) -> NodesLock:
    """The nodes that ComfyUI has loaded (those in other `states`), and all packages above the image's."""
    overlay = Overlay.found(f"{paths.packages}/env")
    above = {name: each.version for name, each in added(overlay.site).items()} if overlay else {}
    here = (image_packages(overlay.ground) if overlay else {}) | above
    nodes = tuple(_locked(node) for node in inventory(paths) if node.state in states)
    return NodesLock(nodes, here, read_launch(paths).comfyui)


def _locked(node: Node) -> Locked:
    needed = needed_packages(read_text(f"{node.path}/requirements.txt") or "")
    origin = node.origin
    version = origin.version if origin.registry else ""
    return Locked(node.name, origin.repository, origin.commit, origin.registry, version, needed)


def lock(paths: Paths) -> int:
    """Write the lock now, whatever has written the one that is there."""

    def work() -> str:
        found = current_lock(paths)
        _write(paths, text_of(found))
        return f"{lock_file(paths)} has the {len(found.nodes)} nodes that ComfyUI has loaded"

    return report(work, doing="write nodes.lock")


def restore(paths: Paths, file: str = "") -> int:
    """Install every node of a lock or of a snapshot of ComfyUI-Manager that is missing; those that are here stay."""
    path = file or lock_file(paths)
    try:
        wanted = read_lock(read_bytes(path, _LARGEST).decode())
    except (BadLock, UnicodeDecodeError) as error:
        return report(_refuse, f"cannot use {path}: {error}", doing="")
    except OSError as error:
        return report(_refuse, f"cannot read {path}: {error.strerror or error}", doing="")
    code = restore_nodes(paths, wanted)
    if path == lock_file(paths) and code == DONE and (text := read_text(path)) is not None:
        _own(paths, text)
    return code


def restore_nodes(paths: Paths, wanted: NodesLock, *, needs: bool = True) -> int:
    """Install the nodes that are missing; `needs`: and what each needs. Returns the exit code."""
    here, known = entries(node_folders(paths)), known_names(folder_of(paths))
    codes = [DONE]
    for each in wanted.nodes:
        if each.name in here:
            print(f"{each.name} is here already")
        elif each.name.lower() in known:
            print(f"{each.name} is here already, switched off or under another spelling")
        else:
            codes.append(report(_restore_one, paths, each, wanted, needs, doing=f"install {each.name}"))
    failed = codes.count(FAILED)
    print(f"{len(codes) - 1 - failed} of {len(wanted.nodes)} nodes installed; then: podkeeper restart comfyui")
    return max(codes)


def _restore_one(paths: Paths, each: Locked, wanted: NodesLock, needs: bool) -> str:
    origin = Origin(each.repository, each.commit, each.registry, each.version)
    if not origin.repository and not origin.registry:
        raise Refused(f"{each.name} is neither a clone nor of ComfyUI's registry: copy it from where it was")
    install_wanted(paths, Wanted(each.name, origin), wanted.packages, needs=needs)
    return f"{each.name} is installed"


def _refuse(why: str) -> str:
    raise Refused(why)


def _write(paths: Paths, text: str) -> None:
    write_atomically(lock_file(paths), text)
    _own(paths, text)


def _own(paths: Paths, text: str) -> None:
    os.makedirs(paths.models_state, exist_ok=True)
    write_json(_mark(paths), {"sha256": _digest(text)})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _mark(paths: Paths) -> str:
    return f"{paths.models_state}/nodes-lock.json"
