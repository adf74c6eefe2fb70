"""The former template's folders: facts -> plan, as a table; and the property that no plan loses a file."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.volumes.adoption_plan import Action, Facts, Kind, Link, Move, RemoveEmpty, Tree, plan_link, refused

OLD, NEW = "/workspace/models", "/workspace/comfyui/models"
THE_LINK = Link(NEW, "../models")
READY = "/workspace/comfyui/.podkeeper-models"
FIRST, LAST = Link(READY, "../models"), Move(READY, NEW)
FOLDER: dict[str, Kind] = {"": "folder"}
FILE: dict[str, Kind] = {"": "file"}
LINK: dict[str, Kind] = {"": "link"}


def facts(old_tree: Tree, new_tree: Tree, link: str = "") -> Facts:
    return Facts(OLD, NEW, link, "../models", old_tree, new_tree, real=(OLD, NEW))


@pytest.mark.parametrize(
    ("old", "new", "link", "actions"),
    [
        ({}, {}, "", ()),
        ({}, FOLDER | {"a": "file"}, "", ()),
        (FILE, FOLDER, "", ()),
        (LINK, FOLDER, "", ()),
        (FOLDER, {}, "../models", ()),
        (FOLDER, {}, "/elsewhere", ()),
        (FOLDER, {}, "", (THE_LINK,)),
        (FOLDER, FOLDER, "", (FIRST, RemoveEmpty(NEW), LAST)),
        (
            FOLDER | {"vae": "folder", "vae/x": "file"},
            FOLDER | {"vae": "folder", "loras": "folder", "loras/y": "file"},
            "",
            (
                FIRST,
                Move(f"{NEW}/loras", f"{OLD}/loras"),
                RemoveEmpty(f"{NEW}/vae"),
                RemoveEmpty(NEW),
                LAST,
            ),
        ),
        (
            FOLDER | {"vae": "folder", "vae/x": "file"},
            FOLDER | {"vae": "folder", "vae/y": "file", "top": "link"},
            "",
            (
                FIRST,
                Move(f"{NEW}/top", f"{OLD}/top"),
                Move(f"{NEW}/vae/y", f"{OLD}/vae/y"),
                RemoveEmpty(f"{NEW}/vae"),
                RemoveEmpty(NEW),
                LAST,
            ),
        ),
    ],
)
def test_plans(old: Tree, new: Tree, link: str, actions: tuple[Action, ...]) -> None:
    plan = plan_link(facts(old, new, link))
    assert (plan.actions, plan.condition) == (actions, None)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "free space"), (errno.EDQUOT, "quota"), (errno.EROFS, "read-write"), (errno.EACCES, "ls -l")],
)
def test_a_call_that_failed_says_what_to_do(number: int, remedy: str) -> None:
    condition = refused(OLD, NEW, number, "the reason")
    assert condition.name == "FolderInTheWay"
    assert "the reason" in condition.reason
    assert remedy in condition.remedy


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (FILE, FOLDER),
        (FOLDER | {"a": "file"}, FOLDER | {"a": "file"}),
        (FOLDER | {"a": "folder", "a/b": "file"}, FOLDER | {"a": "file"}),
        (FOLDER | {"a": "file", "b": "file"}, FOLDER | {"a": "link"}),
    ],
)
def test_a_conflict_is_reported_and_nothing_is_moved(new: Tree, old: Tree) -> None:
    plan = plan_link(facts(old, new))
    assert plan.actions == ()
    assert plan.condition is not None
    assert plan.condition.name == "FolderInTheWay"
    assert OLD in plan.condition.reason


def trees() -> st.SearchStrategy[dict[str, Kind]]:
    """Small trees: every parent of a path is a folder."""
    kinds: list[Kind] = ["file", "folder", "link"]
    names = st.sampled_from(["a", "b", "a/x", "a/y", "b/x", "a/x/1", "b/x/2"])

    def grow(leaves: dict[str, Kind]) -> dict[str, Kind]:
        tree: dict[str, Kind] = dict(FOLDER)
        for path, kind in sorted(leaves.items()):
            parent = path.rpartition("/")[0]
            while parent and parent not in tree:
                tree[parent] = "folder"
                parent = parent.rpartition("/")[0]
            if tree.get(path.rpartition("/")[0]) == "folder":
                tree.setdefault(path, kind)
        return {path: kind for path, kind in tree.items() if _sound(path, tree)}

    return st.dictionaries(names, st.sampled_from(kinds)).map(grow)


def _sound(path: str, tree: Tree) -> bool:
    parent = path.rpartition("/")[0]
    return not path or (tree.get(parent) == "folder" and _sound(parent, tree))


@given(trees(), trees())
def test_a_merge_keeps_everything_and_replaces_nothing(old: Tree, new: Tree) -> None:
    """The plan is executed on a model of a file system whose rmdir and rename refuse to lose a file."""
    plan = plan_link(facts(old, new))
    if plan.condition:
        return
    state_old, state_new = dict(old), dict(new)
    assert (plan.actions[0], plan.actions[-1]) == (FIRST, LAST)
    for action in plan.actions[1:-1]:
        if isinstance(action, Move):
            path = action.source.removeprefix(NEW + "/")
            assert path not in state_old
            for each in [p for p in state_new if p == path or p.startswith(path + "/")]:
                state_old[each] = state_new.pop(each)
        else:
            assert isinstance(action, RemoveEmpty)
            path = action.path.removeprefix(NEW).lstrip("/")
            below = path + "/" if path else ""
            assert [each for each in state_new if each != path and each.startswith(below)] == []
            del state_new[path]
    assert state_new == {}
    assert state_old == {**new, **old}
