"""A: `podkeeper workflow plan` and `fetch` as functions; each returns an exit code."""

from __future__ import annotations

import asyncio
import json

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
from entrypoint.workflows.survey import make_plan


def plan(settings: Settings, paths: Paths, where: str, *, as_json_text: bool) -> int:
    """Print what a workflow needs, and what of it is missing."""
    return _run(settings, paths, where, as_json_text=as_json_text, fetch=False, nodes=False)


def fetch(settings: Settings, paths: Paths, where: str, *, nodes: bool) -> int:
    """Print the plan, then install what is missing."""
    return _run(settings, paths, where, as_json_text=False, fetch=True, nodes=nodes)


def _run(settings: Settings, paths: Paths, where: str, *, as_json_text: bool, fetch: bool, nodes: bool) -> int:
    if text := refusal(paths):
        log(f"workflow: {text}")
        return EX_NOPERM
    try:
        return asyncio.run(_work(settings, paths, where, as_json_text=as_json_text, fetch=fetch, nodes=nodes))
    except NotAWorkflow as error:
        log(f"workflow: {_shown(where)} is no workflow: {error}")
        return EX_DATAERR
    except CannotRead as error:
        log(f"workflow: cannot read {_shown(where)}: {error}")
        return EX_NOINPUT
    except VolumeFailed as error:
        log(f"workflow: {error}; {error.remedy}")
        return LATER


async def _work(settings: Settings, paths: Paths, where: str, *, as_json_text: bool, fetch: bool, nodes: bool) -> int:
    made = await make_plan(settings, paths, await open_workflow(settings, where))
    if as_json_text:
        log(json.dumps(as_json(made), indent=1))
    else:
        for line in lines(made):
            log(line)
    return await fetching.fetch(settings, paths, made, nodes=nodes) if fetch else made.code


def _shown(where: str) -> str:
    if where == "-":
        return "standard input"
    return without_query(where) if "://" in where else plain(where, 300)
