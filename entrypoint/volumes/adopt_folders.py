"""A: the adoption of the folders that other templates have left on the volume, in place.

The former template's `/workspace/models`, `output` and `input`, and a plain clone of ComfyUI (`/workspace/ComfyUI`, or
`/workspace/runpod-slim/ComfyUI` of RunPod's own template) with its nodes and settings, too.
"""

import os
from collections.abc import Iterator

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.settings.paths import Paths

#: Folders of the former template, at the top of the volume.
NAMES = ("models", "output", "input")
#: Clones of ComfyUI, below the volume, and the folders of theirs that ComfyUI uses.
CLONES = ("ComfyUI", "runpod-slim/ComfyUI")
OF_A_CLONE = (*NAMES, "custom_nodes", "user")


def clones_of(paths: Paths) -> list[str]:
    """The clones of ComfyUI on the volume, whose own folders are not the data folder's: none where the volume is it."""
    if not paths.volume or paths.stored == paths.volume:
        return []
    return [f"{paths.volume}/{clone}" for clone in CLONES if os.path.isfile(f"{paths.volume}/{clone}/main.py")]


def tops_of(name: str, paths: Paths, clones: list[str]) -> list[str]:
    """Where a folder called `name` may be, the one that counts first; the former template had no nodes there."""
    return [paths.volume, *clones] if name in NAMES else clones


def adopt_folders(paths: Paths) -> None:
    """Link the data folder's `models`, `output` and so on to the folders on the volume, after merging a folder in the
    way.

    Must run before the step that makes ComfyUI's folders: a missing folder needs no merge. Raises CannotDo where files
    were in the way, or a call failed; every file is then in its old place or its new one.
    """
    found: list[Condition] = []
    for old, new in _pairs(paths):
        if os.path.islink(new) or not os.path.isdir(old) or _are_one(old, new, paths):
            continue
        if os.path.islink(old):
            condition = _link_to_link(old, new, _text(old, new, paths))
        else:
            from entrypoint.volumes.merge_folders import merge  # 5 ms, and once in a volume's life

            condition = merge(old, new, _text(old, new, paths))
        found += [condition] if condition else []
    if found:
        reason = "; ".join(condition.reason for condition in found)
        raise CannotDo(Condition(found[0].name, reason, found[0].remedy))


def linked_folders(paths: Paths) -> list[str]:
    """Return the adopted folders, which a pass over `paths.stored` does not reach (it follows no link)."""
    return [old for old, new in _pairs(paths) if _leads_to(new, old) and not os.path.islink(old)]


def _pairs(paths: Paths) -> Iterator[tuple[str, str]]:
    """(folder on the volume, its place in the data folder); of several for one place the first that is there."""
    if not paths.volume or paths.stored == paths.volume:
        return
    clones = clones_of(paths)  # looked up once: JupyterLab waits for it, and a call takes 200 ms on the slowest volumes
    for name in OF_A_CLONE:
        tops = tops_of(name, paths, clones)
        first = next((path for path in (f"{top}/{name}" for top in tops) if os.path.isdir(path)), "")
        if first:
            yield first, f"{paths.stored}/{name}"


def _link_to_link(old: str, new: str, text: str) -> Condition | None:
    """Link `new` to a link of the user's: what it leads to may be on another disk, so nothing is merged into it."""
    if os.path.lexists(new):
        reason = f"{old}, a link, is not used as {new}: {new} is there already"
        return Condition("FolderInTheWay", reason, f"move what you want to keep from {new}, remove it, restart the pod")
    try:
        os.makedirs(os.path.dirname(new), exist_ok=True)
        os.symlink(text, new)
    except OSError as error:
        from entrypoint.volumes.adoption_plan import refused

        return refused(old, new, error.errno, error.strerror or str(error))
    return None


def _text(old: str, new: str, paths: Paths) -> str:
    """The text of the link at `new` to `old`: relative, which holds wherever the volume is mounted.

    The kernel reads `..` from the real folder, so the text is absolute where a link (`/workspace/comfyui` to another
    disk) leads out of the volume.
    """
    volume, parent = os.path.realpath(paths.volume), os.path.realpath(os.path.dirname(new))
    inside = parent == volume or parent.startswith(f"{volume}/")
    return os.path.relpath(volume + old.removeprefix(paths.volume), parent) if inside else old


def _are_one(old: str, new: str, paths: Paths) -> bool:
    """Whether one of `old` and the data folder is in the other already: a link would be a circle.

    By inode: a volume that ignores case has `ComfyUI` and `comfyui` as one folder, a bind mount has it at two paths.
    """
    return _is_same(old, new) or _is_in(old, paths.stored) or _is_in(paths.stored, old)


def _is_in(path: str, folder: str) -> bool:
    real = os.path.realpath(path)
    while not _is_same(real, folder):
        if real == "/":
            return False
        real = os.path.dirname(real)
    return True


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _leads_to(link: str, folder: str) -> bool:
    try:
        aim = os.path.normpath(os.path.join(os.path.realpath(os.path.dirname(link)), os.readlink(link)))
        return aim in (folder, os.path.realpath(folder))
    except OSError:
        return False
