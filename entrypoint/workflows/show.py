"""P: a plan as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from entrypoint.models.sources.base import without_credentials
from entrypoint.system.units import duration, gigabytes
from entrypoint.workflows.document import plain
from entrypoint.workflows.needed import CORE
from entrypoint.workflows.plan import INSTALLED, MISSING, ModelState, PackState, Plan

SCHEMA = 1


def lines(plan: Plan) -> Iterator[str]:
    """The plan for people: what is missing first to last, then what it costs."""
    for model in plan.models:
        yield f"  {_state(model.state):<13} {_size(model):>9}  {plain(model.model.dest)}"
        if model.state != INSTALLED and model.model.url:
            yield f"  {'':<13} {'':>9}    from {shown_address(model.model.url)}"
        if model.note:
            yield f"  {'':<13} {'':>9}    {plain(model.note, 400)}"
        for each in model.candidates:
            yield f"  {'':<13} {'':>9}    perhaps {plain(each, 400)}"
    for pack in plan.packs:
        if pack.state == INSTALLED and not pack.note:
            continue
        yield f"  {_state(pack.state):<13} {'node':>9}  {plain(pack.pack.label)}"
        if pack.wanted:
            yield f"  {'':<13} {'':>9}    podkeeper nodes install {plain(pack.wanted)}"
        if pack.note:
            yield f"  {'':<13} {'':>9}    {plain(pack.note, 400)}"
        for each in pack.candidates:
            yield f"  {'':<13} {'':>9}    perhaps {plain(each, 400)}"
    yield from (f"note: {plain(each, 400)}" for each in plan.notes)
    yield from summary(plan)


def summary(plan: Plan) -> Iterator[str]:
    """The last lines."""
    installed = sum(each.state == INSTALLED for each in plan.models)
    packs = [each for each in plan.packs if each.pack.registry != CORE and _is_named(each)]
    here = sum(each.state == INSTALLED for each in packs)
    yield f"models: {installed} of {len(plan.models)} installed; node packs: {here} of {len(packs)} installed"
    if plan.inactive:
        yield f"{plan.inactive} muted or bypassed nodes are left out"
    if plan.missing:
        unknown = f" and {plan.unknown_sizes} files of unknown size" if plan.unknown_sizes else ""
        when = "the network's speed is not measured yet"
        if plan.seconds is not None:
            when = f"about {duration(plan.seconds)} at {plan.room.speed / 1e6:.0f} MB/s, the last download's speed"
        free = gigabytes(plan.room.free)
        fits = "what is known fits" if unknown else "it fits"
        fit = f"{fits} on the disk ({free} free)" if plan.fits else f"it does not fit on the disk: {free} free"
        yield f"to fetch: {gigabytes(plan.to_fetch)}{unknown}; {when}; {fit}"
    if (largest := plan.largest) is not None:
        has = f"; this GPU has {gigabytes(plan.room.gpu_memory)}" if plan.room.gpu_memory else ""
        yield (
            f"GPU memory: at least {gigabytes(largest.size)} for {plain(largest.model.name)}, and working memory{has}; "
            "with less, ComfyUI keeps a part in main memory, and is slower"
        )


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan for programs."""
    return {
        "schema": SCHEMA, "code": plan.code, "notes": plan.notes, "inactive_nodes": plan.inactive,
        "bytes_to_fetch": plan.to_fetch, "unknown_sizes": plan.unknown_sizes, "bytes_free": plan.room.free,
        "fits": plan.fits, "bytes_per_second": plan.room.speed or None,
        "seconds": None if plan.seconds is None else round(plan.seconds),
        "gpu_bytes": plan.largest.size if plan.largest else None, "gpu_memory": plan.room.gpu_memory or None,
        "models": [_model(each) for each in plan.models],
        "nodes": [_pack(each) for each in plan.packs if each.state != INSTALLED or _is_named(each)],
    }  # fmt: skip


def _model(each: ModelState) -> dict[str, Any]:
    return {
        "name": each.model.name, "directory": each.model.directory, "state": each.state, "bytes": each.size or None,
        "url": shown_address(each.model.url) or None, "sha256": each.model.sha256 or None, "path": each.path or None,
        "note": each.note, "candidates": each.candidates, "classes": sorted(each.model.kinds - {""}),
    }  # fmt: skip


def _pack(each: PackState) -> dict[str, Any]:
    return {
        "cnr_id": each.pack.registry or None, "aux_id": each.pack.repository or None,
        "version": each.pack.version or None, "classes": sorted(each.pack.kinds), "state": each.state,
        "install": each.wanted or None, "note": each.note, "candidates": each.candidates,
    }  # fmt: skip


def _is_named(each: PackState) -> bool:
    """Whether the workflow says where it is from."""
    return bool(each.pack.registry or each.pack.repository)


def shown_address(url: str) -> str:
    """An address without a login in it or in its query."""
    address, _, query = url.partition("?")
    scheme, slashes, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    kept, _ = without_credentials(query)
    end = f"?{kept}" if kept else ""
    return plain(f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}{end}", 300)


def _state(state: str) -> str:
    return "to fetch" if state == MISSING else state


def _size(model: ModelState) -> str:
    return gigabytes(model.size) if model.size else ""
