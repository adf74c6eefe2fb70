"""A: looks for models at Hugging Face and Civitai, by a file's name, its SHA-256, or words; nothing is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from entrypoint.models.errors import DownloadError
from entrypoint.models.outcome import DONE, INCOMPLETE, LATER
from entrypoint.models.report import log
from entrypoint.models.site_api import SiteApi, site_api
from entrypoint.models.sources.base import NotAnAddress, Question, is_sha256
from entrypoint.models.sources.hits import Hit
from entrypoint.models.sources.model_file import File
from entrypoint.models.sources.pasted import read
from entrypoint.models.sources.registry import source_named, source_of
from entrypoint.models.transport.private_networks import host_of
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings

#: Seconds that a search may take, requests under way at once, and lines of each site.
_SECONDS, _AT_ONCE, _SHOWN = 15.0, 8, 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: a file's name, or words; "" where the hash alone is known.

    `sha256`: or ""; `address`: of a repository or page that may have the file, or "".
    """

    words: str
    sha256: str = ""
    address: str = ""


class Search:
    """Searches over one client: an address is asked once, and a site that does not respond is named."""

    def __init__(self, api: SiteApi) -> None:
        self._api = api
        self._asked: dict[str, asyncio.Task[Any]] = {}
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._over = False
        self.silent: dict[str, str] = {}  # site -> why

    async def ask(self, url: str) -> Any:
        """The JSON at an address. Raises DownloadError: the site does not respond; None: it has nothing there."""
        if url not in self._asked and not self._over:
            self._asked[url] = asyncio.create_task(self._ask(url))
        try:
            if url in self._asked:
                return await asyncio.shield(self._asked[url])
        except asyncio.CancelledError:
            if not self._over:
                raise
        reason = f"{host_of(url)} did not respond in time"
        raise DownloadError("NotAsked", reason, "try again later", temporary=True)

    async def _ask(self, url: str) -> Any:
        async with self._turn:
            try:
                return await self._api.ask(url)
            except DownloadError as error:
                if error.temporary:
                    raise
                return None

    async def end(self) -> None:
        """Drop the requests that are still under way: the searches end with what the others have found."""
        self._over = True
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    async def hits(self, wanted: Wanted) -> list[Hit]:
        """What all sites have, by the hash first; of a file whose hash is known, no other file."""
        sites = (self._of_site(each, wanted) for each in self._api.sources)
        found = await asyncio.gather(self._of_address(wanted), *sites)
        by_address: dict[str, Hit] = {}
        for hit in (hit for hits in found for hit in hits):
            by_address.setdefault(hit.address, hit)
        right = [hit for hit in by_address.values() if not wanted.sha256 or hit.sha256 in ("", wanted.sha256)]
        named = {hit.address for hit in found[0]}
        return sorted(right, key=lambda hit: (hit.sha256 != wanted.sha256, hit.address not in named, -hit.downloads))

    async def _of_address(self, wanted: Wanted) -> list[Hit]:
        """The files of this name in what an address leads to, where that is more than a file."""
        try:
            question = read(wanted.address, self._api.sources) if wanted.address else None
            source = source_named(question.source, self._api.sources) if isinstance(question, Question) else None
            if not isinstance(question, Question) or source is None:
                return []
            listing = await source.answer(question, self.ask)
        except (NotAnAddress, DownloadError):
            return []
        name, found = wanted.words.rpartition("/")[2].casefold(), list[Hit]()
        for each in listing.files:
            if each.path.rpartition("/")[2].casefold() == name:
                keys = {key: text for key, text in each.keys.items() if key != "source"}
                file = File(bundle="", source=each.keys["source"], dest=each.path, keys=keys)
                address = source_of(file, self._api.sources).address(file)
                found.append(Hit(address, question.what, each.size, each.sha256))
        return found

    async def _of_site(self, source: Any, wanted: Wanted) -> list[Hit]:
        try:
            hits: list[Hit] = await source.by_hash(wanted.sha256, self.ask) if wanted.sha256 else []
            return hits or (await source.search(wanted.words, self.ask) if wanted.words else [])
        except DownloadError as error:
            self.silent[source.name] = error.reason
            return []


async def find(
    settings: Settings, paths: Paths, wanted: Iterable[Wanted], seconds: float
) -> tuple[list[list[Hit]], str]:
    """What is found of each, within some seconds; and why some site was not asked, or ""."""
    asked = list(wanted)
    async with site_api(settings, paths) as api:
        search = Search(api)
        tasks = [asyncio.create_task(search.hits(each)) for each in asked]
        await asyncio.wait(tasks, timeout=seconds)
        await search.end()
        return list(await asyncio.gather(*tasks)), "; ".join(dict.fromkeys(search.silent.values()))


def search(settings: Settings, paths: Paths, words: str) -> int:
    """Print what is found; returns the exit code."""
    words = " ".join(words.split())
    wanted = Wanted("", words.lower()) if is_sha256(words.lower()) else Wanted(words)
    (hits,), why = asyncio.run(find(settings, paths, [wanted], _SECONDS))
    for hit in hits[: 2 * _SHOWN]:
        log(hit.line())
    if why:
        log(f"models: not every site was asked: {why}")
    if hits:
        log("models: `podkeeper models fetch ADDRESS` fetches one; a file of the same name may be another one")
        return DONE
    log(f"models: nothing is found by {words!r}")
    return LATER if why else INCOMPLETE
