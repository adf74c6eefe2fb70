"""P: the models and node packs that a workflow names, each once, with what it says of where they come from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from entrypoint.models.sources.base import is_destination, sha256_in
from entrypoint.models.sources.endings import MODELS as ENDINGS
from entrypoint.workflows.document import GraphNode, NotAWorkflow, Workflow, plain
from entrypoint.workflows.folders import canonical, folder_for, is_model_name

#: Models that a workflow may name: each costs a request.
MOST_MODELS = 1000
#: Types that the user interface alone has, and the id of ComfyUI itself in `cnr_id`.
FRONTEND = frozenset({"", "Note", "MarkdownNote", "Reroute", "PrimitiveNode"})
CORE = "comfy-core"
_REPOSITORY = re.compile(r"[\w-][\w.-]{0,99}/[\w-][\w.-]{0,99}", re.ASCII)
_REGISTRY = re.compile(r"[a-z0-9][\w.-]{0,100}", re.ASCII)
_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){1,3}|[0-9a-f]{7,40})", re.ASCII)
#: What a message says of a name that leads elsewhere.
_BAD_PLACE = "must be a path below the models folder, without .., hidden parts and odd characters"


@dataclass(slots=True)
class Model:
    """A model file.

    `directory`: the model folder, "" where it is not known; `url`, `sha256`: as the workflow has them, or ""; `kinds`:
    the classes that load it; `problem`: why it is refused.
    """

    name: str
    directory: str
    url: str = ""
    sha256: str = ""
    kinds: set[str] = field(default_factory=set)
    problem: str = ""

    @property
    def dest(self) -> str:
        """Path below the models folder; without the folder where that is not known."""
        return f"{self.directory}/{self.name}" if self.directory else self.name


@dataclass(slots=True)
class Pack:
    """Custom nodes of one origin.

    `registry`: the id in ComfyUI's registry; `repository`: owner/name at GitHub; `version`: a version or commit; all ""
    where the workflow does not say; `kinds`: the classes; `problem`: why it is refused.
    """

    registry: str = ""
    repository: str = ""
    version: str = ""
    kinds: set[str] = field(default_factory=set)
    problem: str = ""

    @property
    def label(self) -> str:
        """What it is called."""
        return self.registry or self.repository or ", ".join(sorted(plain(kind) for kind in self.kinds))


def needed_models(workflow: Workflow) -> list[Model]:
    """The models, in the workflow's order. Raises NotAWorkflow: it names too many."""
    book = _Book(workflow)
    found: dict[tuple[str, str], Model] = {}
    for node in workflow.nodes:
        for name, directory in _chosen(node):
            entry = book.entry(name, directory)
            directory = (entry.directory if entry else "") or directory or book.folder_of(name)
            model = found.setdefault((directory, name), Model(name, directory))
            model.kinds.add(node.kind)
            if entry and not model.url:
                model.url, model.sha256 = entry.url, entry.sha256
            if len(found) > MOST_MODELS:
                raise NotAWorkflow(f"it names more than {MOST_MODELS} models")
    known = {model.name for model in found.values() if model.directory}
    models = [model for model in found.values() if model.directory or model.name not in known]
    for model in models:
        model.problem = _model_problem(model)
    return models


def _model_problem(model: Model) -> str:
    if model.directory and not is_destination(model.directory):
        return f"its folder {plain(model.directory)!r} {_BAD_PLACE}"
    if not is_destination(model.name):
        return f"its name {_BAD_PLACE}"
    if any(len(part.encode()) > 255 for part in model.dest.split("/")):
        return "its name has more than 255 bytes, which no disk takes"
    if not model.name.lower().endswith(ENDINGS):
        return f"its name must end like a model's: {', '.join(ENDINGS)}"
    return ""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One of a node's `properties.models`."""

    name: str
    directory: str
    url: str
    sha256: str


class _Book:
    """All `properties.models` of a workflow, by name and folder: an instance of a subgraph may choose another one's."""

    def __init__(self, workflow: Workflow) -> None:
        self._by_place: dict[tuple[str, str], _Entry] = {}
        self._by_name: dict[str, _Entry] = {}
        for node in workflow.nodes:
            for entry in _entries(node, workflow):
                self._by_place.setdefault((entry.name, entry.directory), entry)
                self._by_name.setdefault(entry.name, entry)

    def entry(self, name: str, directory: str) -> _Entry | None:
        """The entry of a file that is chosen; one without its subfolder counts, too."""
        base = name.rpartition("/")[2]
        exact = self._by_place.get((name, directory)) or self._by_name.get(name)
        return exact or self._by_place.get((base, directory))

    def folder_of(self, name: str) -> str:
        """The folder of a file whose loader is not known, or ""."""
        entry = self._by_name.get(name.rpartition("/")[2])
        return entry.directory if entry else ""


def _entries(node: GraphNode, workflow: Workflow | None = None) -> Iterator[_Entry]:
    given = node.properties.get("models")
    if given is None:
        return
    for each in given if isinstance(given, list) else [given]:
        name, directory, url = (
            each.get(key) if isinstance(each, dict) else None for key in ("name", "directory", "url")
        )
        if not isinstance(name, str) or not name or not isinstance(directory, str | None):
            if workflow:
                workflow.note(f"a model of {plain(node.kind)} is ignored: its name and directory must be text")
            continue
        kind, digest = each.get("hash_type", "SHA256"), sha256_in(each.get("hash"))
        if workflow and each.get("hash") and not digest:
            workflow.note(f"the hash of {plain(name)} is ignored: it must be a SHA-256 of 64 hex digits")
        right = isinstance(kind, str) and kind.lower() in ("sha256", "")
        address = url.strip() if isinstance(url, str) else ""
        yield _Entry(_slashes(name), canonical(_slashes(directory or "")), address, digest if right else "")


def _chosen(node: GraphNode) -> Iterator[tuple[str, str]]:
    """(name, folder or "") of each file that the node's widgets choose; without widgets, of its `properties.models`."""
    widgets = list(_files_in(node))
    yield from widgets
    if not widgets and node.kind not in FRONTEND:
        for entry in _entries(node):
            yield entry.name, entry.directory


def _files_in(node: GraphNode) -> Iterator[tuple[str, str]]:
    for name, value in node.widgets:
        if isinstance(value, dict):  # rgthree's Power Lora Loader: {on, lora, strength}
            value = value.get("lora") if value.get("on", True) is not False else None
            name = "lora"
        if isinstance(value, str) and is_model_name(value.strip()) and node.kind not in FRONTEND - {""}:
            yield _slashes(value.strip()), folder_for(node.kind, name)


def _slashes(text: str) -> str:
    """A path as Linux has it: a workflow of Windows has backslashes."""
    return text.replace("\\", "/")


def needed_packs(workflow: Workflow) -> list[Pack]:
    """The node packs: those that the workflow names, then one for each class without an origin. ComfyUI's own, whose
    `cnr_id` is `comfy-core`, are among them: an older ComfyUI may lack them."""
    named: dict[str, Pack] = {}
    nameless: dict[str, Pack] = {}
    for node in workflow.nodes:
        if node.kind in FRONTEND:
            continue
        registry, repository = (_word(node.properties.get(key)) for key in ("cnr_id", "aux_id"))
        repository = re.sub(r"^https://github\.com/|\.git$", "", repository).strip("/")
        if registry or repository:
            key = registry.lower() or repository.lower()
            pack = named.setdefault(key, Pack(registry.lower(), repository, _version(node.properties.get("ver"))))
            pack.repository = pack.repository or repository
        else:
            pack = nameless.setdefault(node.kind, Pack())
        pack.kinds.add(node.kind)
    for pack in named.values():
        pack.problem = _pack_problem(pack)
    placed = {kind for pack in named.values() for kind in pack.kinds}
    return [*named.values(), *(pack for kind, pack in nameless.items() if kind not in placed)]


def _pack_problem(pack: Pack) -> str:
    if pack.registry and not _REGISTRY.fullmatch(pack.registry):
        return f"its cnr_id {plain(pack.registry)!r} is no name of ComfyUI's registry"
    if pack.repository and not _REPOSITORY.fullmatch(pack.repository):
        return f"its aux_id {plain(pack.repository)!r} must be OWNER/NAME at GitHub"
    return ""


def _word(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _version(value: Any) -> str:
    """A version or a commit; "" for `nightly`, `unknown` and anything else."""
    found = _VERSION.fullmatch(_word(value))
    return found[1] if found else ""
