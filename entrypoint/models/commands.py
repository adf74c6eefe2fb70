"""A: `podkeeper models list` and `verify`: what there is, without the network."""

from __future__ import annotations

import os

from entrypoint.models.catalogue.manifest import BadManifest, File
from entrypoint.models.catalogue.wanted import BadFlags, Wish, wishes
from entrypoint.models.job import BAD_SETTINGS, DONE, INCOMPLETE, LATER, Job
from entrypoint.models.load_manifest import load
from entrypoint.models.report import say
from entrypoint.models.store import hash_of
from entrypoint.models.transport.client import Wire
from entrypoint.models.transport.response_rules import Failed
from entrypoint.models.transport.retry import Limits


async def show(job: Job) -> int:
    """A line per bundle: wanted or not and why, files that are there, what it is."""
    found = await _wishes(job)
    if isinstance(found, int):
        return found
    for wish in found:
        there = sum(bool(job.shelf.receipt(file)) for file in wish.bundle.files)
        state = "wanted" if wish.wanted else "off"
        files = f"{there}/{len(wish.bundle.files)} files"
        say(f"{wish.bundle.name:<12} {state:<7} {files:<12} {wish.bundle.about} ({wish.why})")
    return DONE


async def verify(job: Job) -> int:
    """Hash every file that has a receipt again; tell what differs and what is missing."""
    found = await _wishes(job)
    if isinstance(found, int):
        return found
    bad = 0
    for file in [file for wish in found if wish.wanted for file in wish.bundle.files]:
        problem = _problem(job, file)
        bad += bool(problem)
        say(f"{file.dest}: {problem or 'right'}")
    return INCOMPLETE if bad else DONE


def _problem(job: Job, file: File) -> str:
    receipt = job.shelf.receipt(file)
    if receipt:
        return "" if hash_of(job.shelf.target(file)) == receipt["sha256"] else "damaged; remove it and fetch it again"
    if os.path.exists(job.shelf.target(file)):
        return "not known to be right; `podkeeper models fetch` looks at it"
    return "missing"


async def _wishes(job: Job) -> tuple[Wish, ...] | int:
    """What is wanted, or the exit code of what stands against it."""
    async with Wire(Limits()) as wire:
        try:
            found, notes = wishes(await load(job.settings, job.paths, wire), job.environ)
        except (BadManifest, BadFlags) as error:
            say(str(error))
            return BAD_SETTINGS
        except Failed as error:
            say(f"{error}; {error.remedy}")
            return LATER
    for note in notes:
        say(note)
    return found
