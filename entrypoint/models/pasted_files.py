"""A: what was pasted -> the files that it means, with their destinations; the sites are asked for the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from entrypoint.models.errors import DownloadError
from entrypoint.models.outcome import BAD_SETTINGS, LATER
from entrypoint.models.site_api import site_api
from entrypoint.models.sources.base import Found, Listing, NotAnAddress, Question
from entrypoint.models.sources.folders import destination, parts_of
from entrypoint.models.sources.pasted import read
from entrypoint.models.sources.registry import configured, source_named
from entrypoint.models.sources.selection import Selection, destinations, select, table
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.units import gigabytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """What a user has pasted, and said beside it.

    `dest`: a path below the models folder, a folder with a slash at its end, or ""; `sha256`: of the one file, or "";
    `include`: patterns of the paths that are meant; `everything`: also several files, without a question.
    """

    text: str
    dest: str = ""
    sha256: str = ""
    include: tuple[str, ...] = ()
    everything: bool = False


@dataclass(frozen=True, slots=True)
class PastedFiles:
    """`files`: the manifest's keys of each; `size`: their bytes as the site gives them, 0: not known; `lines`: what the
    user should know; `what`: where they are from, "" for one file."""

    files: Sequence[dict[str, str]]
    size: int = 0
    lines: tuple[str, ...] = ()
    what: str = ""


class NotTaken(Exception):
    """Nothing is taken; the message says why and what to do. `code`: the exit code."""

    def __init__(self, message: str, code: int = BAD_SETTINGS) -> None:
        super().__init__(message)
        self.code = code


def files_of(settings: Settings, paths: Paths, pasted: Pasted) -> PastedFiles:
    """The files. Raises NotAnAddress: the address means none; NotTaken."""
    if pasted.dest and "/" not in pasted.dest:  # ComfyUI has no model beside its folders
        pasted = replace(pasted, dest=f"{pasted.dest}/")
    found = read(pasted.text, configured(settings))
    if isinstance(found, Question):
        whole_path = pasted.dest and not pasted.dest.endswith("/")
        if found.found is None or not whole_path or pasted.include:
            return _of_question(settings, paths, found, pasted)
        found = found.found
    return _of_address(found, pasted)


def _of_address(found: Found, pasted: Pasted) -> PastedFiles:
    keys = {**found.keys, "dest": destination(found, pasted.dest)}
    files = [keys | {"sha256": pasted.sha256.lower()}] if pasted.sha256 else parts_of(keys)
    return PastedFiles(files, lines=found.notes)


def _of_question(settings: Settings, paths: Paths, question: Question, pasted: Pasted) -> PastedFiles:
    try:
        listing = asyncio.run(_ask(settings, paths, question))
    except DownloadError as error:
        also = "; or give --dest FOLDER/NAME" if question.found else ""
        raise NotTaken(f"{error}; {error.remedy}{also}", LATER if error.temporary else BAD_SETTINGS) from None
    include = pasted.include or question.include
    more: tuple[str, ...] = ()
    if listing.preferred and not include:
        if (count := len(listing.files)) > 1:
            more = (f"it is {listing.preferred.path}, one of {count} files; --include 'PATTERN' takes another one",)
        listing.files = [listing.preferred]
    selection = select(listing, include)
    if (len(selection.units) > 1 or selection.pipeline) and not include and not pasted.everything:
        raise NotTaken(_choice(question, selection))
    files = destinations(selection, listing, pasted.dest)
    if pasted.sha256 and len(files) > 1:
        raise NotTaken(f"--sha256 is of one file, and {question.what} has {len(files)}")
    if pasted.sha256:
        files = [each | {"sha256": pasted.sha256.lower()} for each in files]
    what = f"{question.what}: {len(files)} file{'s' * (len(files) > 1)}, {gigabytes(selection.size)}"
    return PastedFiles(files, selection.size, (*listing.notes, *more, *selection.notes), what)


async def _ask(settings: Settings, paths: Paths, question: Question) -> Listing:
    async with site_api(settings, paths) as api:
        source = source_named(question.source, api.sources)
        if source is None:
            raise NotAnAddress(question.refusal)
        return await source.answer(question, api.ask)


def _choice(question: Question, selection: Selection) -> str:
    """The table of what there is, and how to choose."""
    count = len(selection.units)
    head = f"{question.what} has {count} model{'s' * (count > 1)}, {gigabytes(selection.size)}; nothing is taken:"
    lines = [head, *table(selection), *selection.notes]
    return "\n".join([*lines, "choose with --include 'PATTERN' (as a shell has them), or take all with --yes"])
