"""A: installs what a plan says is missing: models by the fetcher, node packs as `podkeeper nodes install` does."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from entrypoint.models.add_remove import add_files
from entrypoint.models.catalogue.manifest import BadManifest
from entrypoint.models.outcome import DONE, INCOMPLETE, LATER, NO_ROOM, outcome_of
from entrypoint.models.progress import INSTALLED, Transfer
from entrypoint.models.report import Notes, Reporter, log
from entrypoint.models.speed import measured
from entrypoint.models.store import ModelStore
from entrypoint.models.transport.limits import Limits
from entrypoint.models.write_behind import WriteBehind
from entrypoint.nodes.commands import install_wanted
from entrypoint.nodes.outcome import Refused
from entrypoint.nodes.source import parse_wanted
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.volume_policy import umask_for
from entrypoint.system.units import gigabytes
from entrypoint.workflows.hub import queue_of
from entrypoint.workflows.plan import CANNOT_BE_HAD, MISSING, PackState, Plan

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def fetch(settings: Settings, paths: Paths, plan: Plan, *, nodes: bool) -> int:
    """Install what is missing; returns the exit code. `nodes`: also the node packs.

    Nothing is fetched where the files do not fit. What cannot be had does not stop the rest.
    """
    os.umask(umask_for(settings.volume_policy, settings.umask))
    if not plan.fits:
        need, free = gigabytes(plan.to_fetch), gigabytes(plan.room.free)
        log(f"workflow: nothing is fetched: the files need {need}, and {free} are free; enlarge the volume")
        return NO_ROOM
    code = await _models(settings, paths, plan)
    if nodes and code != LATER:
        code = max(code, _packs(paths, [each for each in plan.packs if each.state == MISSING]))
    return max(code, CANNOT_BE_HAD) if plan.code == CANNOT_BE_HAD else code


async def _models(settings: Settings, paths: Paths, plan: Plan) -> int:
    transfers = [Transfer(each.file, size=each.size) for each in plan.missing if each.file]
    if not transfers:
        return DONE
    notes, stopped, store = Notes(), False, ModelStore.of(paths)
    loop, running = asyncio.get_running_loop(), asyncio.current_task()
    for number in _SIGNALS:
        loop.add_signal_handler(number, running.cancel)  # type: ignore[union-attr]
    try:
        async with (
            queue_of(settings, paths, transfers, notes, Limits()) as queue,
            Reporter("", transfers, notes, terminal=sys.stdout.isatty()),
            WriteBehind(store, Limits(), paths.runtime, log) as behind,
        ):
            await queue.survey()
            with measured(store.kept, transfers):
                await queue.run(tuple(each.file for each in transfers))
            await behind.finish()
    except asyncio.CancelledError:
        stopped = True
    finally:
        for number in _SIGNALS:  # an installation of nodes is no task: a signal ends it at once
            loop.remove_signal_handler(number)
    _record(settings, paths, transfers)
    if stopped:
        log("workflow: stopped; downloaded bytes are kept, and the same command resumes")
        return LATER
    outcome = outcome_of(transfers)
    for text in outcome.problems:
        log(text.replace("models: ", "workflow: ", 1))
    return outcome.code


def _record(settings: Settings, paths: Paths, transfers: Sequence[Transfer]) -> None:
    """Only what is installed goes into `models.toml`: nothing half, and no address that was refused."""
    done = [each.file for each in transfers if each.state == INSTALLED]
    if not done:
        return
    try:
        where = add_files(settings, paths, done)
        log(f"workflow: {len(done)} files are installed, and in {where}, bundle {done[0].bundle}")
    except (BadManifest, OSError) as error:
        log(f"workflow: {len(done)} files are installed, but not in your manifest: {error}")


def _packs(paths: Paths, packs: Sequence[PackState]) -> int:
    failed = False
    for each in packs:
        try:
            wanted = parse_wanted(each.wanted)
            log(f"workflow: {wanted.name} is installed; {install_wanted(paths, wanted)}")
        except Refused as refused:
            newest = f"; its newest: podkeeper nodes install {each.pack.registry}" if each.pack.registry else ""
            log(f"workflow: cannot install {each.wanted}: {refused}{newest}")
            failed = True
        except OSError as error:
            log(f"workflow: cannot install {each.wanted}: {error.strerror or error}")
            failed = True
    return INCOMPLETE if failed else DONE
