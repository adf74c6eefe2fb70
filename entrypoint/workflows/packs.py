"""P: which node packs of a workflow are installed, by the inventory and by the classes that ComfyUI has."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from entrypoint.nodes.inventory import FAILED, LEFT_OUT, NEW, OFF, Node
from entrypoint.workflows.document import plain
from entrypoint.workflows.needed import CORE, Pack
from entrypoint.workflows.plan import INSTALLED, MISSING, NO_ADDRESS, REFUSED, UNKNOWN, PackState

#: The state of a node that is there and not loaded -> what to do.
_REMEDIES = {
    FAILED: "podkeeper nodes repair {}",
    LEFT_OUT: "podkeeper nodes try {}",
    OFF: "switch it on again: its folder's name must not end with .disabled",
}


def state_of(
    pack: Pack, nodes: Sequence[Node], classes: Collection[str] | None, core: Collection[str], comfyui: str = ""
) -> PackState:
    """The state of a pack.

    `nodes`: the installed ones; `classes`: those of the running ComfyUI, or None; `core`: those in ComfyUI's own code,
    empty where that is missing; `comfyui`: its version, for messages.
    """
    lacking = sorted(kind for kind in pack.kinds if kind not in core and kind not in (classes or ()))
    if not lacking:
        return PackState(pack, INSTALLED)
    shown = ", ".join(plain(kind) for kind in lacking[:5]) + (f" and {len(lacking) - 5} more" if lacking[5:] else "")
    if pack.problem:
        return PackState(pack, REFUSED, note=pack.problem)
    if pack.registry == CORE:
        if classes is None and not core:
            return PackState(pack, UNKNOWN, note="ComfyUI does not run, and its code is missing")
        version = f" (it was saved by {pack.version})" if pack.version else ""
        note = f"this ComfyUI{comfyui and ' ' + comfyui} has no {shown}{version}; newer ones: podkeeper comfyui list"
        return PackState(pack, NO_ADDRESS, note=note)
    here = next((node for node in nodes if node.state != OFF and is_same(pack, node)), None)
    here = here or next((node for node in nodes if is_same(pack, node)), None)
    if here is not None:
        return _here(pack, here, shown, running=classes is not None)
    if pack.registry or pack.repository:
        return PackState(pack, MISSING, _wanted(pack))
    if classes is None:
        return PackState(pack, UNKNOWN, note="ComfyUI does not run: a custom node may have it")
    return PackState(pack, NO_ADDRESS, note="no installed node has it, and the workflow does not say where it is from")


def is_same(pack: Pack, node: Node) -> bool:
    """Whether a node of the inventory is the pack: by its id, its repository, or its folder's name."""
    name = node.name.lower().removesuffix(".disabled").partition("@")[0]
    repository = node.origin.repository.lower().removesuffix(".git").rstrip("/")
    if pack.registry and pack.registry in (node.origin.registry.lower(), name):
        return True
    wanted = pack.repository.lower()
    if not wanted:
        return bool(pack.registry) and repository.rpartition("/")[2] == pack.registry
    return repository.endswith("/" + wanted) if repository else name == wanted.rpartition("/")[2]


def _here(pack: Pack, node: Node, shown: str, *, running: bool) -> PackState:
    if node.state in _REMEDIES:
        reason = f": {node.reason}" if node.reason else ""
        note = f"{node.name} is {node.state}{reason}; {_REMEDIES[node.state].format(node.name)}"
        return PackState(pack, REFUSED, note=note)
    if node.state == NEW:
        return PackState(pack, INSTALLED, note=f"{node.name} is loaded at the next start: podkeeper restart comfyui")
    if running:
        # rgthree's and KJNodes' nodes that the browser alone has are in no list of ComfyUI's.
        note = f"ComfyUI has no {shown}: drawn by the browser alone, or newer (podkeeper nodes update {node.name})"
        return PackState(pack, INSTALLED, note=note)
    return PackState(pack, INSTALLED)


def _wanted(pack: Pack) -> str:
    """What `podkeeper nodes install` takes: the registry's id before a repository, which anybody can rename."""
    is_commit = pack.version and "." not in pack.version
    if pack.registry:
        return pack.registry + (f"@{pack.version}" if pack.version else "")
    return pack.repository + (f"@{pack.version}" if is_commit else "")
