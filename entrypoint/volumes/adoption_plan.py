"""P: the plan by which the former template's folders on the volume stay in use.

The former template mounted `/workspace/models` and `/workspace/output` on `/comfyui/models` and `/comfyui/output`.
Now `/comfyui` is the volume's `comfyui` folder, and its `models` becomes a link to the volume's `models` where that
exists. A real folder in the way is merged by renames that replace nothing; where two files have the same name no
file is moved, and a condition says so.
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from posixpath import basename, dirname, join, normpath, relpath
from typing import Literal

from entrypoint.conditions.condition import Condition

Kind = Literal["folder", "file", "link"]
#: Path below the folder ("" is the folder itself) -> its kind. A missing folder is an empty mapping.
Tree = Mapping[str, Kind]


@dataclass(frozen=True, slots=True)
class Facts:
    """The folders before the adoption."""

    old: str  # the former template's folder, `<volume>/models`
    new: str  # the folder in the way, `<volume>/comfyui/models`
    link: str  # the target of `new` where it is a link, else ""
    wanted_link: str  # the target it should have: `../models`, which is valid wherever the volume is mounted
    old_tree: Tree  # the content of `old`, itself included
    new_tree: Tree  # the content of `new`, itself included
    links: Mapping[str, str] = field(default_factory=dict)  # path of each relative link below `new` -> its text
    real: tuple[str, str] = ("", "")  # `old` and `new` by which the kernel reads `..`: without links in between


@dataclass(frozen=True, slots=True)
class Move:
    """A rename(2) that refuses to replace a file."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class RemoveEmpty:
    """An rmdir(2), which refuses a folder that is not empty."""

    path: str


@dataclass(frozen=True, slots=True)
class Link:
    """A new link at a free path; one of the same name and text, of a start that was killed, is used."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Relink:
    """Another text for a link, in one rename(2)."""

    path: str
    target: str


Action = Move | RemoveEmpty | Link | Relink


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """The actions in order, or the condition that prevents them."""

    actions: tuple[Action, ...] = ()
    condition: Condition | None = None


def plan_link(facts: Facts) -> LinkPlan:
    """Plan the actions that make one folder of both; no actions where that is so already, or not wanted."""
    if facts.old_tree.get("") != "folder" or facts.link:
        return LinkPlan()  # no such folder, or linked already, by us or by the user
    if not facts.new_tree:
        return LinkPlan((Link(facts.new, facts.wanted_link),))
    if facts.new_tree[""] != "folder":
        return LinkPlan(condition=_in_the_way(facts, "is a file"))
    conflicts = sorted(path for path in facts.new_tree if _is_conflict(path, facts))
    if conflicts:
        more = f" and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
        return LinkPlan(condition=_in_the_way(facts, f"and it both contain {conflicts[0]}{more}"))
    moves = [Move(f"{facts.new}/{path}", f"{facts.old}/{path}") for path in _movable(facts)]
    kept = [path for path, kind in facts.new_tree.items() if kind == "folder" and path in facts.old_tree]
    empties = [RemoveEmpty(f"{facts.new}/{path}".rstrip("/")) for path in sorted(kept, reverse=True)]
    before, after = _relinks(facts)
    # The link is made first, under another name: a full volume refuses it before anything has moved.
    ready = ready_link(facts.new)
    first, last = Link(ready, facts.wanted_link), Move(ready, facts.new)
    return LinkPlan((first, *before, *moves, *after, *empties, last))


def ready_link(new: str) -> str:
    """The name of the link to be until the folder in its place is gone: hidden, beside that."""
    return join(dirname(new), f".podkeeper-{basename(new)}")


def refused(old: str, new: str, number: int | None, why: str) -> Condition:
    """The condition that a call failed (`number`: its errno); the next start continues."""
    remedy = _REMEDIES.get(number or 0, "check the volume with `ls -l`, then restart the pod")
    return Condition("FolderInTheWay", f"{old} is not used as {new}: {why}", remedy)


_FREE_SPACE = "free space on the volume (df -h, df -i), then restart the pod"
_REMEDIES = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: "delete files: the volume's quota is used up, which df does not show; then restart the pod",
    errno.EROFS: "mount the volume read-write, then restart the pod",
}


def _relinks(facts: Facts) -> tuple[list[Relink], list[Relink]]:
    """Keep relative links leading where they lead: absolute while they move, so that a crash or a refused rename finds
    them right in both places, relative again afterwards, because a volume may be mounted elsewhere the next time."""
    old, new = facts.real
    before, after = [], []
    for path, text in sorted(facts.links.items()):
        aim = normpath(join(new, dirname(path), text))
        aim_after = old + aim[len(new) :] if aim.startswith(f"{new}/") else aim
        moved = relpath(aim_after, dirname(f"{old}/{path}"))
        if moved != normpath(text) and _climbs_out(dirname(path), text):
            before.append(Relink(f"{facts.new}/{path}", aim))
            after.append(Relink(f"{facts.old}/{path}", moved))
    return before, after


def _climbs_out(folder: str, text: str) -> bool:
    """Whether a link in `folder` leads out of the tree, maybe in again: any other moves with what it leads to."""
    depth = len(folder.split("/")) if folder else 0
    for part in text.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return False


def _is_conflict(path: str, facts: Facts) -> bool:
    """Both trees have the path, and not both as a folder."""
    return path in facts.old_tree and not facts.old_tree[path] == facts.new_tree[path] == "folder"


def _movable(facts: Facts) -> list[str]:
    """The topmost paths that only `new` has: moving a folder moves its content."""
    return sorted(
        path for path in facts.new_tree if path not in facts.old_tree and path.rpartition("/")[0] in facts.old_tree
    )


def _in_the_way(facts: Facts, why: str) -> Condition:
    return Condition(
        "FolderInTheWay",
        f"{facts.old} is not used as {facts.new}: {facts.new} {why}",
        f"move the files you want to keep from {facts.new} to {facts.old}, remove {facts.new}, restart the pod",
    )
