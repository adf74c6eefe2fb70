"""A: makes the plan of a workflow: what it names, against the disk, ComfyUI and the sources."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from entrypoint.models.catalogue.fit import margin
from entrypoint.models.disk import free_space
from entrypoint.models.progress import FAILED, Transfer
from entrypoint.models.progress import INSTALLED as FETCHED
from entrypoint.models.search import Wanted
from entrypoint.models.sources.base import NotAnAddress
from entrypoint.models.sources.model_file import File
from entrypoint.models.sources.registry import Sources, configured
from entrypoint.models.speed import known_speed
from entrypoint.models.store import ModelStore
from entrypoint.nodes.inventory import read_launch
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_table
from entrypoint.workflows import candidates, online
from entrypoint.workflows.addresses import file_of
from entrypoint.workflows.document import Workflow, plain
from entrypoint.workflows.hub import ask_sizes
from entrypoint.workflows.installed import Installed, look
from entrypoint.workflows.needed import Model, needed_models, needed_packs
from entrypoint.workflows.packs import state_of
from entrypoint.workflows.plan import (
    INSTALLED,
    MISSING,
    NO_ADDRESS,
    REFUSED,
    UNKNOWN,
    ModelState,
    PackState,
    Plan,
    Room,
    one_file_each,
)


async def make_plan(
    settings: Settings,
    paths: Paths,
    workflow: Workflow,
    taken: Mapping[str, str] | None = None,
    *,
    with_candidates: bool = True,
) -> Plan:
    """The plan. `taken`: a model's name -> the address that the user has chosen for it. `with_candidates`: whether to
    look for what has no address, also at the sites; False: for a plan that no person reads.

    Raises NotAWorkflow: it names too much; NotNamed: none of its models has a name of `taken`; VolumeFailed: the volume
    refuses.
    """
    installed, store, sources = look(settings, paths), ModelStore.of(paths), configured(settings)
    needed = needed_models(workflow)
    _take(needed, taken or {})
    models = [_state(each, installed, store, sources) for each in needed]
    notes = [*workflow.notes, *one_file_each(models)]
    version = read_launch(paths).comfyui
    packs = [
        state_of(each, installed.nodes, installed.classes, installed.core, version) for each in needed_packs(workflow)
    ]
    await _ask(settings, paths, models)
    if with_candidates:
        notes += await _add_candidates(settings, paths, models, packs)
    return Plan(models, packs, _room(paths, store), notes, workflow.inactive)


def _state(model: Model, installed: Installed, store: ModelStore, sources: Sources) -> ModelState:
    if model.problem:
        return ModelState(model, REFUSED, note=model.problem)
    file, problem = None, ""
    try:
        file = file_of(model, sources) if model.url else None
    except NotAnAddress as error:
        problem = f"cannot use its address: {error}"
    path = installed.find(model.directory, model.name)
    if path:
        size = os.stat(path).st_size
        if file is None or path != store.path(file) or not _is_other(store, file):
            return ModelState(model, INSTALLED, file, path, size)
        note = f"another file of this name is installed; `fetch` keeps it as {model.name}.set-aside"
        return ModelState(model, MISSING, file, path, note=note)
    if problem:
        return ModelState(model, REFUSED, note=problem)
    if file is None:
        return ModelState(model, NO_ADDRESS, note="the workflow has no address of it")
    return ModelState(model, MISSING, file)


def _is_other(store: ModelStore, file: File) -> bool:
    """Whether the receipt of an installed file has another hash than the workflow wants."""
    if not file.sha256 or store.receipt(file):
        return False
    return store.distrusts(file) or bool(store.receipt(replace(file, sha256="")))


async def _ask(settings: Settings, paths: Paths, models: Iterable[ModelState]) -> None:
    asked = [(each, Transfer(each.file)) for each in models if each.state == MISSING and each.file]
    await ask_sizes(settings, paths, [transfer for _, transfer in asked])
    for each, transfer in asked:
        each.size = transfer.size
        if transfer.state == FAILED and transfer.problem:
            name, reason, remedy = transfer.problem
            each.note = f"{name}: {reason}; {remedy}"
            each.state = MISSING if transfer.temporary else REFUSED
        elif transfer.state == FETCHED:
            each.state = INSTALLED


class NotNamed(Exception):
    """An address is given for a file that the workflow does not name; the message says which."""


def _take(models: Sequence[Model], taken: Mapping[str, str]) -> None:
    for name, address in taken.items():
        named = [each for each in models if name in (each.dest, each.name, each.name.rpartition("/")[2])]
        if not named:
            names = ", ".join(plain(each.name) for each in models[:10])
            raise NotNamed(f"the workflow names no model {plain(name)}; it names {names or 'none'}")
        for each in named:
            each.url = address


async def _add_candidates(
    settings: Settings, paths: Paths, models: Iterable[ModelState], packs: Iterable[PackState]
) -> list[str]:
    """Where what has no usable address may be from; returns notes. What this machine knows is not asked for."""
    wanted = [each for each in models if _has_no_file(each)]
    found = candidates.candidates(settings, {each.model.name for each in wanted}) if wanted else {}
    for each in wanted:
        each.candidates = found.get(each.model.name, [])
    unknown = {
        id(each): Wanted(each.model.name, each.model.sha256, each.model.url) for each in wanted if not each.candidates
    }
    nameless = [each for each in packs if each.state in (NO_ADDRESS, UNKNOWN) and not each.pack.registry]
    repositories = candidates.node_candidates(settings, {each.pack.label for each in nameless}) if nameless else {}
    kinds = {each.pack.label for each in nameless} - set(repositories)
    (files, notes), (classes, more) = await asyncio.gather(
        online.file_candidates(settings, paths, unknown.values(), online.SECONDS),
        online.class_candidates(settings, paths, kinds, online.SECONDS),
    )
    for each in wanted:
        each.candidates = each.candidates or files.get(unknown[id(each)], [])
    for pack in nameless:
        pack.candidates = repositories.get(pack.pack.label) or classes.get(pack.pack.label, [])
    return [*notes, *more]


def _has_no_file(each: ModelState) -> bool:
    """Whether another address could help: it has none, one that means no file, or one where nothing is."""
    gone = each.state == REFUSED and not each.model.problem and (each.file is None or each.note.startswith("NotFound"))
    return each.state == NO_ADDRESS or gone


def _room(paths: Paths, store: ModelStore) -> Room:
    try:
        free, total = free_space(store.disk_of_models())
    except OSError:
        free, total = 0, 0
    return Room(free - margin(total), known_speed(store.kept), _gpu_memory(paths))


def _gpu_memory(paths: Paths) -> int:
    """The memory of the largest GPU, as its check has found; 0: not known."""
    devices = read_table(f"{paths.reports}/gpu.json").get("cards")
    sizes = (
        [each.get("memory_total") for each in devices if isinstance(each, dict)] if isinstance(devices, list) else []
    )
    return max((size for size in sizes if isinstance(size, int)), default=0)
