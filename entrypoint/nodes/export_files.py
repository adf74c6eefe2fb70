"""P: the files of `podkeeper export`: what another ComfyUI needs to run like this pod's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from entrypoint.nodes.lock import NodesLock, text_of

REQUIREMENTS, LOCK, SNAPSHOT, README = "requirements.txt", "nodes.lock", "snapshot.json", "README.txt"
#: Twice, because ComfyUI-Manager (4.2.2, 4.3) checks out no commit of a node that it clones; in that folder, because it
#: takes the name of a node that is in no list for its path (legacy/manager_core.py: `todo_checkout.append((k2, ...`).
_RESTORE = (
    "(cd ComfyUI/custom_nodes && for run in 1 2; do COMFYUI_PATH=.. cm-cli restore-snapshot "
    f"../../export/{SNAPSHOT}; done)"
)
_DEFAULT_REPOSITORY = "https://github.com/comfyanonymous/ComfyUI"


@dataclass(frozen=True, slots=True)
class ComfyUI:
    """The ComfyUI that the pod runs; "" is "not known".

    Attributes:
        version: As `0.29.0`.
        commit: Of its clone.
        repository: Where that came from.
        manager: The file in it that names the ComfyUI-Manager that fits it.
    """

    version: str = ""
    commit: str = ""
    repository: str = ""
    manager: str = ""


@dataclass(frozen=True, slots=True)
class Package:
    """A Python package above the image's.

    Attributes:
        address: What pip installs it from, as `git+https://...@COMMIT`; "": from an index, by name and version.
        why_not: Why pip cannot install it elsewhere; "".
    """

    name: str
    version: str
    address: str = ""
    why_not: str = ""

    @property
    def requirement(self) -> str:
        """The line for a requirements.txt."""
        return f"{self.name} @ {self.address}" if self.address else f"{self.name}=={self.version}"


@dataclass(frozen=True, slots=True)
class Export:
    """Everything that is exported.

    Attributes:
        nodes: The nodes that are on, and the packages.
        off: Address of a repository -> commit, of the nodes that are switched off.
        left_out: Name -> why the node is not exported.
        data: The pod's data folder.
    """

    comfyui: ComfyUI
    nodes: NodesLock
    packages: Sequence[Package]
    off: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    data: str = ""


def files_of(export: Export) -> dict[str, str]:
    """Name -> text of each file."""
    return {
        REQUIREMENTS: requirements_text(export.packages),
        LOCK: text_of(export.nodes),
        SNAPSHOT: snapshot_text(export),
        README: readme_text(export),
    }


def count(number: int, noun: str) -> str:
    """`1 custom node`, `2 custom nodes`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def requirements_text(packages: Sequence[Package]) -> str:
    """Every package in exactly its version; a comment for each that pip cannot install elsewhere."""
    lines = ["# Python packages above those of ComfyUI's own requirements.txt, for its environment"]
    for each in sorted(packages, key=lambda each: each.name):
        lines.append(f"# {each.name}=={each.version}: {each.why_not}" if each.why_not else each.requirement)
    return "\n".join(lines) + "\n"


def snapshot_text(export: Export) -> str:
    """The snapshot of ComfyUI-Manager (manager_core.py: `get_current_snapshot`)."""
    nodes = export.nodes.nodes
    cloned = {address: {"hash": commit, "disabled": True} for address, commit in export.off.items()}
    cloned |= {each.repository: {"hash": each.commit, "disabled": False} for each in nodes if each.repository}
    installable = [each for each in export.packages if not each.why_not]
    content = {
        "comfyui": export.comfyui.commit or None,
        "git_custom_nodes": cloned,
        "cnr_custom_nodes": {each.registry: each.version for each in nodes if each.registry},
        "file_custom_nodes": [
            {"filename": each.name, "disabled": False} for each in nodes if each.name.endswith(".py")
        ],
        "pips": {each.name: each.address for each in installable if each.address}
        | {each.requirement: "" for each in installable if not each.address},
    }
    return json.dumps(content, indent=4) + "\n"


def readme_text(export: Export) -> str:
    """How anybody makes a ComfyUI of it."""
    comfyui, nodes = export.comfyui, export.nodes.nodes
    tag = f"v{comfyui.version}" if comfyui.version else ""
    known = ", ".join(filter(None, (tag and f"tag {tag}", comfyui.commit and f"commit {comfyui.commit}")))
    version = f"ComfyUI {comfyui.version or 'of an unknown version'}" + (f" ({known})" if known else "")
    checkout = comfyui.commit or tag
    manager = f"-r ComfyUI/{comfyui.manager}" if comfyui.manager else "comfyui-manager"
    clone = f"git clone {comfyui.repository or _DEFAULT_REPOSITORY}"
    own = [each.name for each in nodes if not (each.repository or each.registry)]
    return "\n".join((
        f"What runs on this pod: {version}, {count(len(nodes), 'custom node')}, "
        f"{count(len(export.packages), 'Python package')}.",
        "`podkeeper export` wrote these files; it replaces them where you have not changed them.",
        "",
        f"{REQUIREMENTS:18}Python packages above ComfyUI's own, for pip",
        f"{LOCK:18}the custom nodes, for another pod: podkeeper nodes restore {LOCK}",
        f"{SNAPSHOT:18}the custom nodes, for ComfyUI-Manager",
        "",
        "In any ComfyUI, in a virtual environment, with this folder beside ComfyUI's as `export`:",
        "",
        f"    {clone} && git -C ComfyUI checkout {checkout}" if checkout else f"    {clone}",
        f"    pip install -r ComfyUI/requirements.txt {manager} -r export/{REQUIREMENTS}",
        f"    {_RESTORE}",
        "    python ComfyUI/main.py --enable-manager",
        "",
        "The first run of the third command fetches the nodes, the second one checks their commits out.",
        "With this pod's data folder at hand, or a copy of it, leave that command out: the folder has ComfyUI's shape,",
        f"nodes included. The last command is then: python ComfyUI/main.py --base-directory {export.data or 'FOLDER'}",
        *(["", f"Copy these nodes by hand, which have no source: {', '.join(own)}"] if own else []),
        *(["", "Not exported:"] if export.left_out else []),
        *(f"    {name}: {why}" for name, why in sorted(export.left_out.items())),
        "",
    ))  # fmt: skip
