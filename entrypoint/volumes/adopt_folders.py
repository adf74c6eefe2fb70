"""A: the ancestor's folders on the volume (`/workspace/models`, `/workspace/output`) stay ComfyUI's."""

from __future__ import annotations

import os

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.settings.paths import Paths

#: The ancestor's folders, and so the only ones looked at.
NAMES = ("models", "output")


def use_the_ancestors_folders(paths: Paths) -> None:
    """Links `<stored>/models` and `<stored>/output` to the volume's own, merging what is in the way.

    Belongs before the step that makes ComfyUI's folders: what is not there need not be merged.

    Raises:
        CannotDo: Something was in the way, or a call failed; everything is where it was or where it belongs.
    """
    told: list[Condition] = []
    for name in NAMES if paths.volume and paths.stored != paths.volume else ():
        old, new = f"{paths.volume}/{name}", f"{paths.stored}/{name}"
        if os.path.islink(new) or os.path.islink(old) or not os.path.isdir(old):
            continue
        from entrypoint.volumes.merge_folders import merge  # 5 ms, and once in a volume's life

        condition = merge(old, new)
        told += [condition] if condition else []
    if told:
        reason = "; ".join(condition.reason for condition in told)
        raise CannotDo(Condition(told[0].name, reason, told[0].remedy))


def linked_folders(paths: Paths) -> list[str]:
    """The ancestor's folders in use, which a pass over `paths.stored` does not reach (it follows no link)."""
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
