"""P: the conditions about what other templates have left on the volume and this pod does not use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from entrypoint.conditions.condition import Condition

ENVIRONMENT, FOLDERS = "FormerEnvironment", "FormerFoldersUnused"
#: What a clone of ComfyUI has in its folders before anybody has used it, besides `put_loras_here` and the like.
_PLACEHOLDERS = frozenset(
    ("example.png", "3d", "example_node.py.example", "websocket_image_save.py", "__pycache__", "anything_v3.yaml")
)
_PREFIXES, _SUFFIX = (".", "v1-inference", "v2-inference"), "_here"


@dataclass(frozen=True, slots=True)
class Unused:
    """A template's folder that another one's comes before.

    Attributes:
        path: The folder.
        used: The data folder's, in which ComfyUI looks.
        kinds: Of models: the folders in it that have files.
    """

    path: str
    used: str
    kinds: Sequence[str] = ()


def is_users_file(name: str) -> bool:
    """Whether an entry of a template's folder is the user's, not one that every clone of ComfyUI has."""
    return not (name in _PLACEHOLDERS or name.startswith(_PREFIXES) or name.endswith(_SUFFIX))


def is_named(unused: Unused, model_paths: str) -> bool:
    """Whether the text of extra_model_paths.yaml names the folder: by its path, or as `models/...` or `custom_nodes` of
    the folder that it is in."""
    lines = [line for line in model_paths.splitlines() if not line.lstrip().startswith("#")]
    words = [word for line in lines for word in re.split(r"[\s\"'{},]", line) if word]
    above, _, name = unused.path.rpartition("/")
    bases = {word.rstrip("/") for before, word in pairwise(words) if before == "base_path:"}
    if any(word == unused.path or word.startswith(f"{unused.path}/") for word in words):
        return True
    return above in bases and any(word.split("/")[0] in (name, f"{name}:") for word in words)


def unused_condition(found: Sequence[Unused], model_paths: str) -> Condition:
    """The note about folders that are not used; `model_paths`: the path of the user's extra_model_paths.yaml."""
    reason = (
        "two templates have left folders on the volume, and ComfyUI uses one of each: it does not use "
        + ", ".join(each.path for each in found)
    )
    models = [each for each in found if each.kinds]
    remedies = [f"add this line to {model_paths}: {_section(each)}" for each in models]
    others = [each for each in found if not each.kinds]
    remedies += [f"move what you want to keep: mv -n {each.path}/NAME {each.used}/" for each in others]
    return Condition(FOLDERS, reason, "; ".join(remedies) + "; then: podkeeper restart comfyui")


def _section(each: Unused) -> str:
    """A section of extra_model_paths.yaml in one line."""
    name = "_".join(re.findall(r"[a-z0-9]+", each.path.lower()))
    kinds = [kind for kind in each.kinds if re.fullmatch(r"\w[\w-]*", kind)]
    return f"{name}: {{base_path: {each.path}, {', '.join(f'{kind}: {kind}' for kind in kinds)}}}"


def environment_condition(found: Sequence[str]) -> Condition:
    """The note about virtual environments that no program of the pod uses."""
    reason = f"a former template's virtual environment is no longer needed: {', '.join(found)}; ComfyUI has its own"
    remedy = (
        "install what nodes miss with `podkeeper nodes repair NAME`; once nothing of yours uses it, free its space: "
        f"rm -r {' '.join(found)}"
    )
    return Condition(ENVIRONMENT, reason, remedy)
