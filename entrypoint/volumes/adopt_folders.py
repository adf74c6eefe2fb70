"""A: the adoption of the former template's folders on the volume (`/workspace/models`, `/workspace/output`)."""

import os

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.settings.paths import Paths

NAMES = ("models", "output")  # The former template's folders, and so the only ones adopted.


def adopt_folders(paths: Paths) -> None:
    """Link `<stored>/models` and `<stored>/output` to the volume's folders, after merging a folder in the way.

    Must run before the step that makes ComfyUI's folders: a missing folder needs no merge. Raises CannotDo where files
    were in the way, or a call failed; every file is then in its old place or its new one.
    """
    found: list[Condition] = []
    for name in NAMES if paths.volume and paths.stored != paths.volume else ():
        old, new = f"{paths.volume}/{name}", f"{paths.stored}/{name}"
        if os.path.islink(new) or os.path.islink(old) or not os.path.isdir(old):
            continue
        from entrypoint.volumes.merge_folders import merge  # 5 ms, and once in a volume's life

        condition = merge(old, new)
        found += [condition] if condition else []
    if found:
        reason = "; ".join(condition.reason for condition in found)
        raise CannotDo(Condition(found[0].name, reason, found[0].remedy))


def linked_folders(paths: Paths) -> list[str]:
    """Return the adopted folders, which a pass over `paths.stored` does not reach (it follows no link)."""
    return [
        f"{paths.volume}/{name}"
        for name in NAMES
        if paths.volume and _leads_to(f"{paths.stored}/{name}", f"{paths.volume}/{name}")
    ]


def _leads_to(link: str, folder: str) -> bool:
    try:
        return os.path.normpath(os.path.join(os.path.dirname(link), os.readlink(link))) == folder
    except OSError:
        return False
