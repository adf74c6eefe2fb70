"""A: installs what a plan says is missing: models by the fetcher, node packs as `podkeeper nodes install` does."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

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


class Progress:
    """What a fetch tells while it runs; this one prints alone."""

    def reporter(self, transfers: list[Transfer], notes: Notes) -> Reporter:
        """The reporter of the downloads."""
        return Reporter("", transfers, notes, terminal=sys.stdout.isatty())

    def node(self, wanted: str, state: str, text: str = "") -> None:
        """A node pack has another state."""


@dataclass(slots=True)
class Fetched:
    """How a fetch ended.

    `code`: the exit code; `problems`: a line for each thing that failed; `nodes`: how many node packs were installed;
    `stopped`: whether a signal has ended it.
    """

    code: int = DONE
    problems: list[str] = field(default_factory=list)
    nodes: int = 0
    stopped: bool = False


async def fetch(settings: Settings, paths: Paths, plan: Plan, *, nodes: bool, progress: Progress | None = None) -> int:
    """As `fetch_all`; returns the exit code alone."""
    return (await fetch_all(settings, paths, plan, nodes=nodes, progress=progress or Progress())).code


async def fetch_all(settings: Settings, paths: Paths, plan: Plan, *, nodes: bool, progress: Progress) -> Fetched:
    """Install what is missing. `nodes`: also the node packs.

    Nothing is fetched where the files do not fit. What cannot be had does not stop the rest.
    """
    os.umask(umask_for(settings.volume_policy, settings.umask))
    done = Fetched()
    if not plan.fits:
        need, free = gigabytes(plan.to_fetch), gigabytes(plan.room.free)
        _failed(done, f"nothing is fetched: the files need {need}, and {free} are free; enlarge the volume", NO_ROOM)
        return done
    await _models(settings, paths, plan, done, progress)
    if nodes and done.code != LATER:
        _packs(paths, [each for each in plan.packs if each.state == MISSING], done, progress)
    if plan.code == CANNOT_BE_HAD:
        done.code = max(done.code, CANNOT_BE_HAD)
    return done


def _failed(done: Fetched, text: str, code: int) -> None:
    log(f"workflow: {text}")
    done.problems.append(text)
    done.code = max(done.code, code)


async def _models(settings: Settings, paths: Paths, plan: Plan, done: Fetched, progress: Progress) -> None:
    transfers = [Transfer(each.file, size=each.size) for each in plan.missing if each.file]
    if not transfers:
        return
    notes, store = Notes(), ModelStore.of(paths)
    loop, running = asyncio.get_running_loop(), asyncio.current_task()
    for number in _SIGNALS:
        loop.add_signal_handler(number, running.cancel)  # type: ignore[union-attr]
    try:
        async with (
            queue_of(settings, paths, transfers, notes, Limits()) as queue,
            progress.reporter(transfers, notes),
            WriteBehind(store, Limits(), paths.runtime, log) as behind,
        ):
            await queue.survey()
            with measured(store.kept, transfers):
                await queue.run(tuple(each.file for each in transfers))
            await behind.finish()
    except asyncio.CancelledError:
        done.stopped = True
    finally:
        for number in _SIGNALS:  # an installation of nodes is no task: a signal ends it at once
            loop.remove_signal_handler(number)
    _record(settings, paths, transfers)
    if done.stopped:
        _failed(done, "stopped; downloaded bytes are kept, and the same command resumes", LATER)
        return
    outcome = outcome_of(transfers)
    for text in outcome.problems:
        _failed(done, text.removeprefix("models: "), outcome.code)


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


def _packs(paths: Paths, packs: Sequence[PackState], done: Fetched, progress: Progress) -> None:
    for each in packs:
        progress.node(each.wanted, "installing")
        try:
            wanted = parse_wanted(each.wanted)
            said = install_wanted(paths, wanted)
        except Refused as refused:
            newest = f"; its newest: podkeeper nodes install {each.pack.registry}" if each.pack.registry else ""
            problem = f"{refused}{newest}"
        except OSError as error:
            problem = error.strerror or str(error)
        else:
            log(f"workflow: {wanted.name} is installed; {said}")
            progress.node(each.wanted, "installed", f"{wanted.name} is installed")
            done.nodes += 1
            continue
        _failed(done, f"cannot install {each.wanted}: {problem}", INCOMPLETE)
        progress.node(each.wanted, "failed", problem)
