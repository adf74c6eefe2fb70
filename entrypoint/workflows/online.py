"""A: where a file without an address may be from, by the sites' search, and a class, by ComfyUI's registry.

Asked for what nothing on this machine knows; a few requests, at once, within seconds. Candidates are shown, and never
taken by themselves.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable
from typing import Any
from urllib.parse import quote

from entrypoint.models.errors import DownloadError
from entrypoint.models.search import Wanted, find
from entrypoint.models.site_api import SiteApi, site_api
from entrypoint.models.sources.base import member
from entrypoint.nodes.registry import API
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings

#: Seconds that all questions of a plan may take; files and classes that are asked for; candidates of each.
SECONDS, MOST_FILES, MOST_CLASSES, _SHOWN = 5.0, 30, 30, 3
_IDENTIFIER = re.compile(r"[A-Za-z0-9][\w.-]{0,100}", re.ASCII)


async def file_candidates(
    settings: Settings, paths: Paths, wanted: Iterable[Wanted], seconds: float
) -> tuple[dict[Wanted, list[str]], list[str]]:
    """Lines `address (what is known)` for each file, and notes."""
    asked = list(dict.fromkeys(wanted))
    notes = [f"only the first {MOST_FILES} files without an address are looked for"] if asked[MOST_FILES:] else []
    asked = asked[:MOST_FILES]
    if not asked or seconds <= 0:
        return {}, []
    hits, why = await find(settings, paths, asked, seconds)
    notes += [f"not every site was asked for the files without an address: {why}"] if why else []
    return {each: [hit.line() for hit in found[:_SHOWN]] for each, found in zip(asked, hits, strict=True)}, notes


async def class_candidates(
    settings: Settings, paths: Paths, kinds: Collection[str], seconds: float
) -> tuple[dict[str, list[str]], list[str]]:
    """Class -> `podkeeper nodes install ID (what is known)` by ComfyUI's registry, and notes.

    `GET /comfy-nodes/<class>/node`, as ComfyUI's frontend asks for a class that a workflow gives no origin of
    (docs.comfy.org, registry API, "Retrieve a node by ComfyUI node name"); 404: it knows none.
    """
    asked = sorted(kinds)[:MOST_CLASSES]
    if not asked or seconds <= 0:
        return {}, []
    async with site_api(settings, paths) as api:
        tasks = [asyncio.create_task(_ask(api, kind)) for kind in asked]
        await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    notes = ["ComfyUI's registry did not respond"] if any(isinstance(each, BaseException) for each in answers) else []
    lines = {
        kind: _line(each) for kind, each in zip(asked, answers, strict=True) if not isinstance(each, BaseException)
    }
    return {kind: [line] for kind, line in lines.items() if line}, notes


async def _ask(api: SiteApi, kind: str) -> Any:
    try:
        return await api.ask(f"{API}/comfy-nodes/{quote(kind, safe='')}/node")
    except DownloadError as error:
        if error.temporary:
            raise
        return None


def _line(pack: Any) -> str:
    identifier = member(pack, "id")
    if not isinstance(identifier, str) or not _IDENTIFIER.fullmatch(identifier):
        return ""
    version = member(pack, "latest_version", "version")
    facts = ["ComfyUI's registry", f"version {version}" if isinstance(version, str) else ""]
    facts += [f"{member(pack, 'downloads')} downloads", str(member(pack, "repository") or "")]
    return f"podkeeper nodes install {identifier} ({', '.join(each for each in facts if each)})"
