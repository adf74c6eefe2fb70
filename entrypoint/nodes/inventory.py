"""A: every custom node of the user's: what it is, and what became of it at ComfyUI's last start.

`nodes.json` among the reports has it for the status page: the program `nodes` writes it, so that the page reads one
local file instead of 30 folders of a network volume.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple

from entrypoint.nodes.blame import LeftOut
from entrypoint.nodes.folders import entries, is_part
from entrypoint.nodes.image_nodes import links_folder
from entrypoint.nodes.import_log import ImportReport
from entrypoint.nodes.left_out import read_left_out
from entrypoint.nodes.origin import Origin, origin_of
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_table, write_json

LOADED, FAILED, LEFT_OUT, NEW, OFF = "loaded", "failed", "left out", "new", "off"
#: Where ComfyUI-Manager moves what it disables; an older one, and `podkeeper nodes remove`, append it to the name.
_OFF = ".disabled"


@dataclass(frozen=True, slots=True)
class Node:
    """One custom node.

    Attributes:
        name: The entry's name in `custom_nodes`, as ComfyUI and every command of podkeeper's name it.
        path: Where it is.
        state: LOADED, FAILED (it could not be imported), LEFT_OUT (it ended ComfyUI), OFF (disabled), or NEW: ComfyUI
            has not started with it yet.
        reason: Why it is failed or left out; "".
        origin: Where it came from.
        newest: A newer commit or version than the installed one, as far as was asked (`podkeeper nodes outdated`); "".
        of_image: Whether it is the image's, and not on the volume.
    """

    name: str
    path: str
    state: str
    reason: str
    origin: Origin
    newest: str = ""
    of_image: bool = False

    @property
    def version(self) -> str:
        """Its version or the beginning of its commit, for people."""
        return self.origin.version or self.origin.commit[:10] or "-"


class Launch(NamedTuple):
    """The ComfyUI that was launched last: its version, and ComfyUI-Manager's where that is on; else ""."""

    comfyui: str = ""
    manager: str = ""


def folder_of(paths: Paths) -> str:
    """The folder of the user's custom nodes."""
    return f"{paths.data}/custom_nodes"


def node_folders(paths: Paths) -> list[str]:
    """The folders of custom nodes that the user can change: his own, then the image's."""
    return [folder_of(paths), links_folder(paths)]


def inventory(paths: Paths) -> list[Node]:
    """The nodes, by name; those that are off come last."""
    folder = folder_of(paths)
    report, left, newest = read_report(paths), read_left_out(paths), read_newest(paths)
    nodes = []
    for name, path in sorted(entries(node_folders(paths)).items()):
        state, reason = _state(name, report, left)
        origin, newer = origin_of(path), newest.get(name, "")
        # ComfyUI-Manager, or git in a terminal, may have updated it since it was asked.
        of_image = path.startswith(links_folder(paths) + "/")
        nodes.append(Node(name, path, state, reason, origin, "" if newer in origin else newer, of_image))
    for name, path in _off(folder):
        nodes.append(Node(name, path, OFF, "", origin_of(path)))
    return nodes


def _state(name: str, report: ImportReport, left: Mapping[str, LeftOut]) -> tuple[str, str]:
    if name in left:
        return LEFT_OUT, left[name].reason
    if name in report.failed:
        return FAILED, report.failed[name]
    return (LOADED, "") if name in report.loaded else (NEW, "")


def _off(folder: str) -> list[tuple[str, str]]:
    found = []
    for above, ending in ((folder, _OFF), (f"{folder}/{_OFF}", "")):
        try:
            names = sorted(os.listdir(above))
        except OSError:
            continue
        found += [
            (name, f"{above}/{name}") for name in names if name.endswith(ending) and name != _OFF and not is_part(name)
        ]
    return found


def read_report(paths: Paths) -> ImportReport:
    """What became of the nodes at the last start to which ComfyUI responded."""
    content = read_table(_report_file(paths))
    loaded, failed = content.get("loaded"), content.get("failed")
    return ImportReport(loaded if isinstance(loaded, dict) else {}, failed if isinstance(failed, dict) else {})


def write_report(paths: Paths, report: ImportReport) -> None:
    """Note it. Raises OSError: the runtime folder refuses."""
    write_json(_report_file(paths), asdict(report))


def read_newest(paths: Paths) -> dict[str, str]:
    """Node -> its newest commit or version, of those that are not the newest."""
    return {name: each for name, each in read_table(_newest_file(paths)).items() if isinstance(each, str)}


def write_newest(paths: Paths, newest: Mapping[str, str]) -> None:
    """Note it. Raises OSError: the runtime folder refuses."""
    write_json(_newest_file(paths), dict(newest))


def publish(paths: Paths) -> None:
    """Write `nodes.json` for the status page. Raises OSError: the runtime folder refuses."""
    nodes = [asdict(node) | {"origin": node.origin._asdict()} for node in inventory(paths)]
    write_json(f"{paths.reports}/nodes.json", {"manager": read_launch(paths).manager, "nodes": nodes})


def read_launch(paths: Paths) -> Launch:
    """What the launcher has noted."""
    found = read_table(f"{paths.reports}/comfyui-launch.json")
    return Launch(str(found.get("comfyui", "")), str(found.get("manager", "")))


def note_launch(paths: Paths, launch: Launch) -> None:
    """Note what is about to be launched. Raises OSError: the runtime folder refuses."""
    write_json(f"{paths.reports}/comfyui-launch.json", launch._asdict())


def _report_file(paths: Paths) -> str:
    return f"{paths.reports}/node-imports.json"


def _newest_file(paths: Paths) -> str:
    return f"{paths.reports}/node-newest.json"
