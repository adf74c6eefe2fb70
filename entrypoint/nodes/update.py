"""A: `podkeeper nodes outdated` and `update`."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from entrypoint.nodes.folders import part_of
from entrypoint.nodes.inventory import OFF, Node, inventory, publish, read_newest, write_newest
from entrypoint.nodes.needs import install_needs
from entrypoint.nodes.outcome import DONE, FAILED, Refused, report
from entrypoint.nodes.registry import published, unpack
from entrypoint.nodes.source import newest_of, update_clone
from entrypoint.settings.paths import Paths

#: Sources that are asked at once.
_AT_ONCE = 8


def outdated(paths: Paths) -> int:
    """Ask every node's source for its newest version, and print those that have one."""
    nodes = [node for node in inventory(paths) if node.state != OFF]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(_ask, nodes))
    newest, problems = {}, 0
    for node, (version, problem) in zip(nodes, answers, strict=True):
        if problem:
            print(f"podkeeper: {node.name}: {problem}", file=sys.stderr)
            problems += 1
        elif version and version not in (node.origin.commit, node.origin.version):
            newest[node.name] = version
            print(f"{node.name:40} {node.version:12} newest: {version[:10]}")
    _note(paths, newest)
    if not newest and not problems:
        print("every node is the newest, or has no source to ask")
    return FAILED if problems and problems == len(nodes) else DONE


def _ask(node: Node) -> tuple[str, str]:
    try:
        return newest_of(node.path, node.origin), ""
    except Refused as refused:
        return "", str(refused)


def update(paths: Paths, names: Sequence[str]) -> int:
    """Update nodes and what they need: these, or all that have a source. One that cannot be updated is as it was."""
    nodes = {node.name: node for node in inventory(paths) if node.state != OFF}
    chosen = names or [name for name, each in nodes.items() if not each.of_image and any(each.origin[::2])]
    codes = [report(_update, paths, nodes, name, doing=f"update {name}") for name in chosen]
    if not chosen:
        print("no node has a source to update it from")
    done = {name for name, code in zip(chosen, codes, strict=True) if code == DONE}
    _note(paths, {name: each for name, each in read_newest(paths).items() if name not in done})
    return max(codes, default=DONE)


def _update(paths: Paths, nodes: Mapping[str, Node], name: str) -> str:
    if name not in nodes:
        raise Refused(f"there is no custom node {name}; see: podkeeper nodes list")
    node = nodes[name]
    if node.of_image:
        source = node.origin.repository or name
        raise Refused(f"{name} is the image's; a newer one of your own: podkeeper nodes install {source}")
    newest = newest_of(node.path, node.origin)
    if not newest:
        raise Refused(f"{name} has no source to update it from: it is neither a clone nor of ComfyUI's registry")
    # A recorded update to this version was interrupted before its packages were installed: it is done again.
    interrupted = read_newest(paths).get(name) == newest
    if newest in (node.origin.commit, node.origin.version) and not interrupted:
        return f"{name} is the newest already"
    print(f"{name}: updating to {newest[:10]}", flush=True)
    said = _update_unpacked(paths, node, newest) if node.origin.registry else _update_clone(paths, node)
    return f"{name} is updated to {newest[:10]}; {said}"


def _update_clone(paths: Paths, node: Node) -> str:
    update_clone(node.path)
    try:
        return install_needs(paths, node.path)
    except (Refused, OSError):
        with contextlib.suppress(Refused):
            update_clone(node.path, node.origin.commit)
        raise


def _update_unpacked(paths: Paths, node: Node, newest: str) -> str:
    part = part_of(node.path)
    former = f"{node.path}.{os.urandom(4).hex()}.disabled"
    try:
        unpack(published(node.origin.registry, newest), part, before=node.path)
        said = install_needs(paths, part)
        os.rename(node.path, former)
        os.rename(part, node.path)
        shutil.rmtree(former, ignore_errors=True)
    finally:
        if os.path.lexists(former) and not os.path.lexists(node.path):
            os.rename(former, node.path)
        shutil.rmtree(part, ignore_errors=True)
    return said


def _note(paths: Paths, newest: Mapping[str, str]) -> None:
    with contextlib.suppress(OSError):  # the page shows the commands' result a little later
        os.makedirs(paths.reports, exist_ok=True)
        write_newest(paths, newest)
        publish(paths)
