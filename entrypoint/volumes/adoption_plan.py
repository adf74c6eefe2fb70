"""P: how the ancestor's folders on the volume (`/workspace/models`, `/workspace/output`) stay in use.

There they were bound onto `/comfyui/models` and `/comfyui/output`. Now `/comfyui` is the volume's `comfyui`
folder, and its `models` becomes a link to the volume's `models` where that exists. A real folder in the way is
merged by renames that replace nothing; where two files have the same name nothing is moved at all, and a
condition says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from entrypoint.conditions.condition import Condition

Kind = Literal["folder", "file", "link"]
#: Path below the folder ("" is the folder itself) -> what is there. A missing folder is an empty mapping.
Tree = Mapping[str, Kind]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is there now.

    Attributes:
        old: The ancestor's folder, `<volume>/models`.
        new: The folder in the way, `<volume>/comfyui/models`.
        link: Where `new` leads when it is a link, else "".
        wanted_link: Where it should lead: `../models`, which holds wherever the volume is mounted.
        old_tree: What is in `old`, itself included.
        new_tree: What is in `new`, itself included.
    """

    old: str
    new: str
    link: str
    wanted_link: str
    old_tree: Tree
    new_tree: Tree


@dataclass(frozen=True, slots=True)
class Move:
    """rename(2) that refuses to replace anything."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class RemoveEmpty:
    """rmdir(2), which refuses a folder that holds something."""

    path: str


@dataclass(frozen=True, slots=True)
class Link:
    """Where nothing is."""

    path: str
    target: str


Action = Move | RemoveEmpty | Link


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """What to do, in order, or why nothing is done."""

    actions: tuple[Action, ...] = ()
    condition: Condition | None = None


def plan_link(facts: Facts) -> LinkPlan:
    """The steps from what is there to one folder under both names; none where that is so, or not wanted."""
    if facts.old_tree.get("") != "folder" or facts.link:
        return LinkPlan()  # nothing of the ancestor's, or linked already, by us or as the user likes it
    link = Link(facts.new, facts.wanted_link)
    if not facts.new_tree:
        return LinkPlan((link,))
    if facts.new_tree[""] != "folder":
        return LinkPlan(condition=_in_the_way(facts, "is a file"))
    conflicts = sorted(path for path in facts.new_tree if _conflict(path, facts))
    if conflicts:
        return LinkPlan(condition=_in_the_way(facts, _both(conflicts)))
    moves = [Move(f"{facts.new}/{path}", f"{facts.old}/{path}") for path in _movable(facts)]
    kept = [path for path, kind in facts.new_tree.items() if kind == "folder" and path in facts.old_tree]
    empties = [RemoveEmpty(f"{facts.new}/{path}".rstrip("/")) for path in sorted(kept, reverse=True)]
    return LinkPlan((*moves, *empties, link))


def _conflict(path: str, facts: Facts) -> bool:
    """Both have it, and not both as a folder. The ancestor's kind of a parent decides for what is below it."""
    return path in facts.old_tree and not facts.old_tree[path] == facts.new_tree[path] == "folder"


def _movable(facts: Facts) -> list[str]:
    """The topmost paths only `new` has: moving a folder moves all that is in it."""
    return sorted(
        path for path in facts.new_tree if path not in facts.old_tree and path.rpartition("/")[0] in facts.old_tree
    )


def _both(conflicts: list[str]) -> str:
    more = f" and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
    return f"and it both hold {conflicts[0]}{more}"


def _in_the_way(facts: Facts, why: str) -> Condition:
    return Condition(
        "FolderInTheWay",
        f"{facts.old} is not used as {facts.new}: {facts.new} {why}",
        f"move the files you want to keep from {facts.new} to {facts.old}, remove {facts.new}, restart the pod",
    )
