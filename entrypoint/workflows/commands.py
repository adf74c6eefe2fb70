"""A: `podkeeper workflow plan` and `fetch` as functions; each returns an exit code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

from entrypoint.models.errors import VolumeFailed
from entrypoint.models.outcome import EX_NOPERM, LATER
from entrypoint.models.report import log
from entrypoint.models.store import refusal
from entrypoint.models.transport.address import without_query
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.workflows import fetch as fetching
from entrypoint.workflows.document import NotAWorkflow, plain
from entrypoint.workflows.open_workflow import CannotRead, open_workflow
from entrypoint.workflows.plan import EX_DATAERR, EX_NOINPUT
from entrypoint.workflows.show import as_json, lines
from entrypoint.workflows.survey import NotNamed, make_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What is asked for beside the plan."""

    as_json_text: bool = False
    fetch: bool = False
    nodes: bool = False
    taken: Mapping[str, str]


def plan(
    settings: Settings, paths: Paths, where: str, *, as_json_text: bool, taken: Mapping[str, str] | None = None
) -> int:
    """Print what a workflow needs, and what of it is missing. `taken`: a model's name -> the address chosen for it."""
    return _run(settings, paths, where, _Wish(as_json_text=as_json_text, taken=taken or {}))


def fetch(settings: Settings, paths: Paths, where: str, *, nodes: bool, taken: Mapping[str, str] | None = None) -> int:
    """Print the plan, then install what is missing. `taken`: as for `plan`."""
    return _run(settings, paths, where, _Wish(fetch=True, nodes=nodes, taken=taken or {}))


def _run(settings: Settings, paths: Paths, where: str, wish: _Wish) -> int:
    if text := refusal(paths):
        log(f"workflow: {text}")
        return EX_NOPERM
    try:
        return asyncio.run(_work(settings, paths, where, wish))
    except NotAWorkflow as error:
        log(f"workflow: {_shown(where)} is no workflow: {error}")
        return EX_DATAERR
    except CannotRead as error:
        log(f"workflow: cannot read {_shown(where)}: {error}")
        return EX_NOINPUT
    except NotNamed as error:
        log(f"workflow: {error}")
        return EX_DATAERR
    except VolumeFailed as error:
        log(f"workflow: {error}; {error.remedy}")
        return LATER


async def _work(settings: Settings, paths: Paths, where: str, wish: _Wish) -> int:
    made = await make_plan(settings, paths, await open_workflow(settings, where), wish.taken)
    if wish.as_json_text:
        log(json.dumps(as_json(made), indent=1))
    else:
        for line in lines(made):
            log(line)
    return await fetching.fetch(settings, paths, made, nodes=wish.nodes) if wish.fetch else made.code


def _shown(where: str) -> str:
    if where == "-":
        return "standard input"
    return without_query(where) if "://" in where else plain(where, 300)
