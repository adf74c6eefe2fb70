"""A: one run: manifest, flags, what is there, what fits, the fetch, and the exit code that says how it ended."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass

from entrypoint.models.bundle_requests import forget
from entrypoint.models.catalogue.fit import DoesNotFit, Selection, gigabytes, margin, select
from entrypoint.models.catalogue.manifest import BadManifest, Manifest
from entrypoint.models.catalogue.wanted import BadFlags, Errand, Wish, wishes
from entrypoint.models.download.connections import Crew
from entrypoint.models.download.queue import Delivery
from entrypoint.models.download.rate_limit import Throttle
from entrypoint.models.download.remote_file import Line
from entrypoint.models.load_manifest import load
from entrypoint.models.progress import FAILED, THERE, WAITING, Transfer, line
from entrypoint.models.report import Reporter, say
from entrypoint.models.sources.registry import Tokens
from entrypoint.models.sources.tokens import logins
from entrypoint.models.store import Shelf
from entrypoint.models.transport.client import Wire
from entrypoint.models.transport.response_rules import Failed
from entrypoint.models.transport.retry import Limits
from entrypoint.settings.hours import parse_hours
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings

#: All is there. Something can't be had. The settings or the manifest can't be used. What was asked for does
#: not fit. Something failed that a later run may well get (EX_TEMPFAIL of sysexits.h): start it again.
DONE, INCOMPLETE, BAD_SETTINGS, NO_ROOM, LATER = 0, 1, 2, 3, 75


#: Seconds a plan may take, and how it asks.
_PLAN_S = 20
_IMPATIENT = Limits(attempts=2, longest_wait=1.0, longest_asked=5.0, connect_timeout=8.0, stall_timeout=8.0)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended.

    Attributes:
        code: One of the above.
        problems: A line for each thing that is missing or wrong.
        remedy: What to do, for the condition.
        after: Seconds before which another run would bring nothing, as the origins say.
    """

    code: int
    problems: tuple[str, ...] = ()
    remedy: str = ""
    after: float = 0.0


class Job:
    """What every command about models shares."""

    def __init__(
        self, settings: Settings, paths: Paths, environ: Mapping[str, str], shelf: Shelf, errand: Errand
    ) -> None:
        self.settings, self.paths, self.environ, self.shelf = settings, paths, environ, shelf
        self.errand = errand
        self.taken: tuple[str, ...] = ()
        self.notes: list[str] = []
        self.wishes: tuple[Wish, ...] = ()
        self.transfers: list[Transfer] = []

    async def run(self, *, fetch: bool, terminal: bool) -> Ending:
        """Fetch, or (`fetch=False`) only tell what would be fetched."""
        limits = Limits() if fetch else _IMPATIENT
        async with Wire(limits) as wire:
            try:
                manifest = await load(self.settings, self.paths, wire)
                self.wishes, notes = self._wishes(manifest)
            except (BadManifest, BadFlags) as error:
                return Ending(BAD_SETTINGS, tuple(str(error).splitlines()), "correct it, then start it again")
            except Failed as error:
                return Ending(LATER if error.temporary else INCOMPLETE, (str(error),), error.remedy)
            self._note(*notes)
            wanted = [wish.bundle for wish in self.wishes if wish.wanted]
            self.transfers = [Transfer(file) for bundle in wanted for file in bundle.files]
            delivery = Delivery(self._line(wire, limits), self.shelf, self.transfers, self._note)
            if not fetch:
                return await self._deliver(delivery, fetch)
            return await self._reported(delivery, terminal)

    def complete(self) -> list[str]:
        """The bundles that were taken and are all there."""
        behind = {each.file.bundle for each in self.transfers if each.state != THERE}
        return [name for name in self.taken if name not in behind]

    def _wishes(self, manifest: Manifest) -> tuple[tuple[Wish, ...], tuple[str, ...]]:
        asked = self.errand.asked
        if self.errand.whole:  # requests from the volume may be older than the manifest; a name just typed may not
            known = {bundle.name for bundle in manifest.bundles}
            strange = sorted(asked - known)
            forget(self.paths, strange)
            self._note(*(f"{name} was asked for, but there is no such bundle" for name in strange))
            asked &= known
        return wishes(manifest, self.environ, self.errand.reach, asked)

    async def _reported(self, delivery: Delivery, terminal: bool) -> Ending:
        runtime = self.paths.runtime if self.errand.whole else ""
        reporter = Reporter(runtime, self.transfers, self.notes, terminal=terminal)
        reporting, state = asyncio.create_task(reporter.run()), "stopped"
        try:
            ending = await self._deliver(delivery, True)
            state = "complete" if ending.code == DONE else "incomplete"
        finally:
            reporting.cancel()
            reporter.end(state)
        return ending

    async def _deliver(self, delivery: Delivery, fetch: bool) -> Ending:
        if fetch:
            await delivery.look()
        else:
            await self._look_quickly(delivery)
        try:
            selection = self._select(delivery)
        except DoesNotFit as error:
            return Ending(NO_ROOM, tuple(str(error).splitlines()), "switch bundles off or enlarge the volume")
        self._note(*selection.left_out)
        say(f"models: {' '.join(selection.taken) or 'nothing'}; {gigabytes(selection.need)} to fetch")
        if not fetch:
            return _without_silent(ending_of(self.transfers))
        self.taken = selection.taken
        transfers = await delivery.run(selection.taken)
        self.transfers[:] = transfers  # what was left out is told in the notes
        say(line(transfers, 0))
        return ending_of(transfers)

    async def _look_quickly(self, delivery: Delivery) -> None:
        """For somebody who waits at a terminal: who has not answered by then is not waited for."""
        try:
            async with asyncio.timeout(_PLAN_S):
                await delivery.look()
        except TimeoutError:
            pass
        silent = [each for each in self.transfers if each.state == WAITING and not each.size]
        silent += [each for each in self.transfers if each.state == FAILED and each.temporary]
        if silent:
            why = next((each.last for each in silent if each.last), f"no answer within {_PLAN_S} s")
            self._note(
                f"{len(silent)} of {len(self.transfers)} files could not be asked for ({why}); "
                "their sizes are the manifest's word"
            )
        for each in silent:
            remedy = "look at the pod's network, then ask again"
            each.fail(Failed("NotAsked", "its source did not answer", remedy, temporary=True))

    def _select(self, delivery: Delivery) -> Selection:
        needs = {wish.bundle.name: delivery.needs(wish.bundle) if wish.wanted else 0 for wish in self.wishes}
        free, total = disk(self.shelf.data)
        return select(self.wishes, needs, free - margin(total))

    def _line(self, wire: Wire, limits: Limits) -> Line:
        settings = self.settings
        hours = parse_hours(settings.models_hours) if settings.models_hours else None
        throttle = Throttle(settings.models_rate_limit * 1e6, hours, self._note)
        tokens = Tokens.of(logins(self.paths, self.environ), settings.hf_endpoint)
        crew = Crew(limits.first_connections, limits.connections)
        return Line(wire, tokens, settings.hf_endpoint, limits, throttle, crew)

    def _note(self, *texts: str) -> None:
        for text in texts:
            self.notes.append(text)
            say(f"models: {text.removeprefix('models: ')}")


def ending_of(transfers: list[Transfer]) -> Ending:
    """The exit code of a fetch, and a line per failure."""
    failed = [each for each in transfers if each.state == FAILED]
    if not failed:
        return Ending(DONE)
    lines = tuple(each.failure_line() for each in failed)
    # One file that is gone for good must not keep the others from another try.
    again = [each.after for each in failed if each.temporary]
    remedy = (failed[0].problem or ("", "", ""))[2]
    return Ending(LATER, lines, remedy, min(again)) if again else Ending(INCOMPLETE, lines, remedy)


def _without_silent(ending: Ending) -> Ending:
    """A plan: those that did not answer have been told in one line."""
    lines = tuple(text for text in ending.problems if ": NotAsked: " not in text)
    return Ending(ending.code, lines, ending.remedy)


def disk(folder: str) -> tuple[int, int]:
    """(free for us, total) bytes of the file system that `folder` is or will be on."""
    while True:
        try:
            found = os.statvfs(folder)
            return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
        except FileNotFoundError:
            folder = os.path.dirname(folder)
