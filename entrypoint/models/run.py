"""A: one run from its start to its exit code: signals, the last lines, the condition."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from entrypoint.conditions.condition import Condition
from entrypoint.models.bundle_requests import remove_requests
from entrypoint.models.catalogue.fit import DoesNotFit
from entrypoint.models.catalogue.manifest import BadManifest, Manifest
from entrypoint.models.catalogue.wanted import BadFlags, FetchRequest, WantedBundle, wanted_bundles
from entrypoint.models.disk import free_space
from entrypoint.models.download.queue import DownloadQueue
from entrypoint.models.errors import DownloadError
from entrypoint.models.fetch_order import FetchOrder
from entrypoint.models.fetch_plan import EMPTY_PLAN, FetchPlan, make_plan
from entrypoint.models.load_manifest import load
from entrypoint.models.local_disk import not_on_volume, why_unused
from entrypoint.models.node_packs import NodePacks
from entrypoint.models.outcome import (
    DONE,
    INCOMPLETE,
    LATER,
    NOTHING_FITS,
    STOPPED,
    Outcome,
    outcome_of,
    outcome_of_error,
)
from entrypoint.models.progress import FAILED, WAITING, Transfer, line
from entrypoint.models.report import Notes, Reporter, log
from entrypoint.models.session import session_of
from entrypoint.models.sources.model_file import File
from entrypoint.models.speed import known_speed, measured
from entrypoint.models.state_file import CONDITION
from entrypoint.models.store import ModelStore
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.limits import Limits
from entrypoint.models.write_behind import WriteBehind
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.volume_policy import umask_for
from entrypoint.system.condition_store import clear_condition, raise_condition

#: Seconds that a preview may take, and its limits: a person waits at a terminal.
_PREVIEW_S = 20
_BRIEF = Limits(attempts=2, longest_wait=1.0, longest_retry_after=5.0, connect_timeout=8.0, stall_timeout=8.0)


@dataclass(slots=True)
class _Run:
    """What a run is asked for, and its progress."""

    settings: Settings
    paths: Paths
    request: FetchRequest
    store: ModelStore
    notes: Notes = field(default_factory=Notes)
    wanted: tuple[WantedBundle, ...] = ()
    transfers: list[Transfer] = field(default_factory=list)
    plan: FetchPlan = EMPTY_PLAN
    order: FetchOrder | None = None
    not_copied: tuple[str, ...] = ()  # a line for each file that the local disk alone has

    def rank(self, file: File) -> tuple[int, ...]:
        """Files of a lower rank are fetched first."""
        return self.order.rank(file) if self.order else ()


def fetch(settings: Settings, paths: Paths, request: FetchRequest) -> Outcome:
    """Download what is wanted; the last lines of the log name every failure, and so does the condition."""
    os.umask(umask_for(settings.volume_policy, settings.umask))
    run = _Run(settings, paths, request, ModelStore.of(paths))
    outcome = asyncio.run(_until_signal(_fetch(run)))
    for text in outcome.problems:
        log(text)
    remove_requests(paths, run.plan.complete_bundles(run.transfers))
    if outcome.code == DONE:
        log("models: complete" + (", except for what has no room" if run.plan.left_out else ""))
    if request.whole:
        _record(outcome, paths.runtime)
    if run.not_copied and outcome.code in (DONE, INCOMPLETE):
        for text in run.not_copied:
            log(text)
        return replace(outcome, code=LATER)  # the next run tries to copy them again
    return outcome


def preview(settings: Settings, paths: Paths, request: FetchRequest) -> Outcome:
    """Log what a run would download."""
    outcome = asyncio.run(_until_signal(_preview(_Run(settings, paths, request, ModelStore.of(paths)))))
    for text in outcome.problems:
        log(text)
    return outcome


async def execute(plan: FetchPlan, queue: DownloadQueue, transfers: list[Transfer]) -> Outcome:
    """Download the files of a plan; `transfers` holds those alone afterwards."""
    await queue.run(plan.files)
    transfers[:] = [each for each in transfers if each.file in plan.files]  # the notes name what was left out
    log(line(transfers, 0))
    return NOTHING_FITS if plan.nothing_fits else outcome_of(transfers)


async def _fetch(run: _Run) -> Outcome:
    async with _queue(run, Limits()) as queue:
        runtime = run.paths.runtime if run.request.whole else ""
        async with (
            Reporter(runtime, run.transfers, run.notes, terminal=sys.stdout.isatty(), rank=run.rank) as reporter,
            WriteBehind(run.store, Limits(), run.paths.runtime, log) as behind,
        ):
            reporter.to_volume = behind.left
            run.notes.add(*filter(None, [why_unused(run.store)]))
            await queue.survey()
            try:
                run.plan = _planned(run)
                packs = NodePacks(run.settings, run.paths, run.wanted)
                packs.start()
                with measured(run.store.kept, run.transfers):
                    outcome = await execute(run.plan, queue, run.transfers)
                await behind.finish()
                run.not_copied = behind.problems
                while packs.is_alive():  # a stop does not wait for pip
                    await asyncio.sleep(0.1)
            except DoesNotFit as error:
                outcome = outcome_of_error(error)
            reporter.state = outcome.state
            return outcome


async def _preview(run: _Run) -> Outcome:
    async with _queue(run, _BRIEF) as queue:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PREVIEW_S):
                await queue.survey()
        _note_silent(run)
        plan = _planned(run)
        staged = {each.file: run.store.staged_bytes(each.file) for each in run.transfers}
        for text in plan.lines(run.transfers, staged, known_speed(run.store.kept)):
            log(f"models: {text}")
        outcome = NOTHING_FITS if plan.nothing_fits else outcome_of(run.transfers)
        # One note speaks for all sources that did not respond.
        return replace(outcome, problems=tuple(text for text in outcome.problems if ": NotAsked: " not in text))


def _planned(run: _Run) -> FetchPlan:
    staged = {each.file: run.store.staged_bytes(each.file) for each in run.transfers}
    free, total = free_space(run.store.disk_of_models())
    for file, facts in not_on_volume(run.store.local):  # installed, and still to be copied to the volume
        size = facts.get("size")
        free -= size if isinstance(size, int) and not run.store.receipt(file) else 0
    plan = make_plan(run.wanted, run.transfers, staged, (free, total))
    run.notes.add(*plan.left_out)
    log(plan.summary())
    return plan


def _note_silent(run: _Run) -> None:
    """Mark the files whose sources did not respond as failed, with one note."""
    silent = [each for each in run.transfers if each.state == WAITING and not each.size]
    silent += [each for each in run.transfers if each.state == FAILED and each.temporary]
    if silent:
        why = next((each.last for each in silent if each.last), f"no response within {_PREVIEW_S} s")
        sources = f"the sources of {len(silent)} of {len(run.transfers)} files"
        run.notes.add(f"{sources} did not respond ({why}); their sizes are the manifest's")
    for each in silent:
        remedy = "check the pod's network, then try again"
        each.fail(DownloadError("NotAsked", "its source did not respond", remedy, temporary=True))


@contextlib.asynccontextmanager
async def _queue(run: _Run, limits: Limits) -> AsyncIterator[DownloadQueue]:
    """The queue of all wanted files.

    Raises BadManifest, BadFlags: the manifest or a flag can't be used; DownloadError: the manifest can't be reached.
    """
    settings = run.settings
    async with HttpClient(limits) as client:
        run.wanted = _wanted(run, await load(settings, run.paths, client))
        files = [file for each in run.wanted if each.wanted for file in each.bundle.files]
        run.transfers += [Transfer(each) for each in files if not run.request.only or each.dest in run.request.only]
        session = session_of(settings, run.paths, client, limits, run.notes.add)
        run.order = FetchOrder(run.paths, run.wanted)
        yield DownloadQueue(session, run.store, run.transfers, run.notes.add, run.rank)


def _wanted(run: _Run, manifest: Manifest) -> tuple[WantedBundle, ...]:
    requested = run.request.bundles
    if run.request.whole:  # requests on the volume may be older than the manifest; a name just typed may not
        unknown = sorted(requested - {bundle.name for bundle in manifest.bundles})
        remove_requests(run.paths, unknown)
        run.notes.add(*(f"{name} was requested, but there is no such bundle" for name in unknown))
        requested -= set(unknown)
    wanted, notes = wanted_bundles(manifest, os.environ, run.request.scope, requested)
    run.notes.add(*notes)
    return wanted


def _record(outcome: Outcome, runtime: str) -> None:
    if outcome.code == DONE:
        clear_condition(runtime, CONDITION)
        return
    more = len(outcome.problems) - 1
    reason = outcome.problems[0] + (f" (and {more} more lines in the models log)" if more else "")
    raise_condition(runtime, Condition(CONDITION, reason, outcome.remedy))


async def _until_signal(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    loop, running = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)  # type: ignore[union-attr]
    try:
        return await work
    except asyncio.CancelledError:
        return STOPPED
    except (BadManifest, BadFlags, DoesNotFit, DownloadError) as error:
        return outcome_of_error(error)
