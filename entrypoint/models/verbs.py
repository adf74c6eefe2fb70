"""A: the words after `podkeeper models`: each takes its arguments and returns an exit code, None: not so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from entrypoint.models import add_remove, commands, run
from entrypoint.models.catalogue.wanted import ASKED, Errand
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings


def _list(settings: Settings, paths: Paths, arguments: list[str]) -> int | None:
    job = run.new_job(settings, paths, Errand())
    return None if arguments else asyncio.run(commands.show(job))


def _verify(settings: Settings, paths: Paths, arguments: list[str]) -> int | None:
    job = run.new_job(settings, paths, Errand())
    return None if arguments else asyncio.run(commands.verify(job))


def _plan(settings: Settings, paths: Paths, arguments: list[str]) -> int | None:
    errand = _errand(arguments)
    return run.plan(settings, paths, errand) if errand else None


def _fetch(settings: Settings, paths: Paths, arguments: list[str]) -> int | None:
    errand = _errand(arguments)
    return run.fetch(settings, paths, errand).code if errand else None


def _errand(names: list[str]) -> Errand | None:
    if any(name.startswith("-") for name in names):
        return None
    return Errand(reach=ASKED, asked=frozenset(names), whole=False) if names else Errand()


VERBS: dict[str, Callable[[Settings, Paths, list[str]], int | None]] = {
    "list": _list,
    "plan": _plan,
    "fetch": _fetch,
    "verify": _verify,
    "add": add_remove.add,
    "rm": add_remove.rm,
}
